import { PriorityQueue } from '../priority-queue.js';
import type { Pace } from '../run/pace.js';
import type { PilotResult } from '../wire/pilot/pilot-task.js';
import { Dealer } from './dealer.js';
import type { DispatchCommand, DispatchEvent, HeldTask } from './dispatch-messages.js';
import { WorkList } from './work-list.js';

/** A small task that runs longer than this does not keep those behind it. */
const STALL_MS = 1;
/** A small task that is cancelled ends by itself within this, or is ended. */
const CANCEL_MS = 50;
/** How often it is looked at whether tasks wait here that had better wait elsewhere. */
const SURPLUS_MS = 25;

type Out = DispatchCommand[];

/**
 * Deals a manager's tasks out to its workers. Small ones of quick apps travel together, about a millisecond's worth, and
 * the next of them are sent before the last have ended; each other has its worker to itself. Every task that is
 * taken ends once: in a `deliver`, a `blame`, a `lost` or a `giveBack`, or silently when it was cancelled.
 *
 * No I/O and no clock: events in, commands out.
 */
export class Dispatcher {
  readonly #pace: Pace<number>;
  readonly #queue = new PriorityQueue<HeldTask>();
  readonly #workers: readonly WorkList[];
  readonly #dealer: Dealer;
  readonly #held = new Map<number, HeldTask>();
  /** Cancelled, and asked back from its worker; with the time of that. */
  readonly #cancelled = new Map<HeldTask, number>();

  /** @param pace of the apps, by the number of their code */
  constructor({ workers, pace }: { readonly workers: number; readonly pace: Pace<number> }) {
    this.#pace = pace;
    this.#workers = Array.from({ length: workers }, (_, rank) => new WorkList(rank));
    this.#dealer = new Dealer({ queue: this.#queue, workers: this.#workers, pace });
  }

  /** Tasks it has: cancelled ones count until their worker has let go of them. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether it has this task, wanted or not. */
  has(key: number): boolean {
    return this.#held.has(key);
  }

  /** Keys of the tasks that a result is owed for. */
  keys(): number[] {
    return [...this.#held.values()].filter((held) => !held.isCancelled).map(({ task }) => task.key);
  }

  /** The task that a worker runs, or is about to. */
  runningOn(worker: number): HeldTask | undefined {
    return this.#workers[worker]?.first;
  }

  /** Milliseconds until a `tick` is wanted; `undefined` while none is. */
  get tickInMs(): number | undefined {
    if (this.#stalled().length > 0) return STALL_MS;
    if (this.#queue.size > 0) return SURPLUS_MS;
    return this.#cancelled.size > 0 ? CANCEL_MS : undefined;
  }

  /** Tasks that no worker has been given. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** How long every worker has been at what it does, at least. */
  busyForMs(nowMs: number): number {
    return Math.min(...this.#workers.map((list) => (list.isIdle ? 0 : nowMs - list.progressAtMs)));
  }

  handle(event: DispatchEvent, nowMs: number): readonly DispatchCommand[] {
    const out: Out = [];
    this.#apply(event, nowMs, out);
    this.#dealer.deal(nowMs, out);
    return out;
  }

  #apply(event: DispatchEvent, nowMs: number, out: Out): void {
    switch (event.kind) {
      case 'tasks':
        for (const held of event.tasks) this.#accept(held);
        return;
      case 'cancel':
        for (const key of event.keys) this.#cancel(key, nowMs, out);
        return;
      case 'ready':
        this.#list(event.worker).state = 'ready';
        return;
      case 'results':
        this.#finish(this.#list(event.worker), event, nowMs, out);
        return;
      case 'returned':
        this.#takeBack(this.#list(event.worker), event.keys);
        return;
      case 'spent':
        this.#takeBack(this.#list(event.worker), event.keys);
        this.#list(event.worker).state = 'ending';
        out.push({ kind: 'retire', worker: event.worker });
        return;
      case 'gone':
        this.#replace(this.#list(event.worker), event.claimed, out);
        return;
      case 'surplus':
        this.#giveBack(event.keep, out);
        return;
      case 'tick':
        this.#tick(nowMs, out);
        return;
    }
  }

  #list(worker: number): WorkList {
    return this.#workers[worker] as WorkList;
  }

  #accept(held: HeldTask): void {
    const { key, priority } = held.task;
    if (this.#held.has(key)) return;
    this.#held.set(key, held);
    this.#queue.push(held, priority);
  }

  #cancel(key: number, nowMs: number, out: Out): void {
    const held = this.#held.get(key);
    if (held === undefined || held.isCancelled) return;
    held.isCancelled = true;
    if (held.worker === -1) {
      this.#queue.remove(held);
      this.#held.delete(key);
      return;
    }
    if (held.mayShare) {
      this.#cancelled.set(held, nowMs);
      out.push({ kind: 'revoke', worker: held.worker, keys: [key] });
    } else out.push({ kind: 'stop', worker: held.worker, held });
  }

  // The last ones go: those that stay would have run first.
  #giveBack(keep: number, out: Out): void {
    if (this.#queue.size <= keep) return;
    const all: HeldTask[] = [];
    for (let held = this.#queue.shift(); held !== undefined; held = this.#queue.shift()) all.push(held);
    for (const held of all.slice(0, keep)) this.#queue.push(held, held.task.priority);
    const tasks = all.slice(keep);
    for (const held of tasks) this.#forget(held);
    out.push({ kind: 'giveBack', tasks });
  }

  #finish(list: WorkList, event: DispatchEvent & { kind: 'results' }, nowMs: number, out: Out): void {
    const wanted: PilotResult[] = [];
    for (const [index, result] of event.results.entries()) {
      const held = this.#held.get(result.key);
      if (held === undefined || held.worker !== list.rank) continue;
      if (result.kind === 'outcome') this.#pace.observe(held.task.code, event.runMs[index] ?? 0);
      this.#letGo(list, held);
      if (!held.isCancelled) wanted.push(result);
    }
    list.progressAtMs = nowMs;
    if (wanted.length > 0) out.push({ kind: 'deliver', results: wanted });
  }

  /** The task is over, or its worker is. */
  #letGo(list: WorkList, held: HeldTask): void {
    list.take(held);
    this.#forget(held);
  }

  #forget(held: HeldTask): void {
    this.#held.delete(held.task.key);
    if (this.#cancelled.size > 0) this.#cancelled.delete(held);
    if (held.slots > 1) this.#endLoans(held);
  }

  #endLoans(held: HeldTask): void {
    for (const other of this.#workers) if (other.lentTo === held) other.lentTo = undefined;
  }

  #takeBack(list: WorkList, keys: readonly number[]): void {
    list.isRevoking = false;
    for (const key of keys.toReversed()) {
      const held = this.#held.get(key);
      if (held === undefined || held.worker !== list.rank) continue;
      if (held.isCancelled) this.#letGo(list, held);
      else {
        list.take(held);
        this.#waitAgain(held);
      }
    }
  }

  #waitAgain(held: HeldTask): void {
    held.worker = -1;
    if (held.slots > 1) this.#endLoans(held);
    this.#queue.putBack(held, held.task.priority);
  }

  // The task it ran is the first one without a result, or a later one whose number it has noted: what came before that
  // had ended, and its result went down with the worker.
  #replace(list: WorkList, claimed: number, out: Out): void {
    const { rank } = list;
    const had = list.clear();
    const running = had.find(({ sequence }) => sequence === claimed) ?? had[0];
    for (const held of had.toReversed()) {
      if (running !== undefined && held.sequence > running.sequence && !held.isCancelled) this.#waitAgain(held);
      else this.#forget(held);
    }
    for (const held of had) {
      if (running === undefined || held.isCancelled || held.sequence > running.sequence) continue;
      out.push({ kind: held === running ? 'blame' : 'lost', worker: rank, held });
    }
    out.push({ kind: 'start', worker: rank });
  }

  #tick(nowMs: number, out: Out): void {
    for (const list of this.#stalled()) {
      if (nowMs - list.progressAtMs < STALL_MS) continue;
      list.isRevoking = true;
      out.push({ kind: 'revoke', worker: list.rank, keys: list.others.map(({ task }) => task.key) });
    }
    for (const [held, sinceMs] of this.#cancelled) {
      if (nowMs - sinceMs < CANCEL_MS || this.#list(held.worker).first !== held) continue;
      this.#cancelled.delete(held);
      out.push({ kind: 'stop', worker: held.worker, held });
    }
  }

  /** Workers whose tasks could be elsewhere: others have nothing to do. */
  #stalled(): readonly WorkList[] {
    if (this.#queue.size > 0) return [];
    const candidates = this.#workers.filter((list) => list.count > 1 && !list.isRevoking);
    if (candidates.length === 0 || !this.#workers.some((list) => list.isIdle)) return [];
    return candidates;
  }
}
