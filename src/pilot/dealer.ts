import type { PriorityQueue } from '../priority-queue.js';
import type { Pace } from '../run/pace.js';
import type { DispatchCommand, HeldTask } from './dispatch-messages.js';
import type { WorkList } from './work-list.js';

/** Of apps up to this long, a worker has the next task at hand while it runs one: it need not wait for a message. */
const AHEAD_MS = 50;

/** What is dealt out, and to whom. */
export interface DealerParts {
  /** Tasks that no worker has been given. */
  readonly queue: PriorityQueue<HeldTask>;
  /** By rank. */
  readonly workers: readonly WorkList[];
  /** Of the apps, by the number of their code. */
  readonly pace: Pace<number>;
}

/** Chooses the worker of each task, and the tasks that travel together. */
export class Dealer {
  readonly #queue: PriorityQueue<HeldTask>;
  readonly #workers: readonly WorkList[];
  readonly #pace: Pace<number>;

  constructor({ queue, workers, pace }: DealerParts) {
    this.#queue = queue;
    this.#workers = workers;
    this.#pace = pace;
  }

  /** Gives out whatever can be given now, the next task first. */
  deal(nowMs: number, out: DispatchCommand[]): void {
    for (let held = this.#queue.shift(); held !== undefined; held = this.#queue.shift()) {
      const given = held.slots > 1 ? this.#giveLarge(held, nowMs, out) : this.#give(held, nowMs, out);
      if (given) continue;
      // Nothing overtakes it: a large task would wait for ever otherwise.
      this.#queue.putBack(held, held.task.priority);
      return;
    }
  }

  #giveLarge(held: HeldTask, nowMs: number, out: DispatchCommand[]): boolean {
    const idle = this.#workers.filter((list) => list.isIdle).slice(0, held.slots);
    const [own, ...others] = idle;
    if (own === undefined || idle.length < held.slots) return false;
    for (const other of others) other.lentTo = held;
    own.give([held], nowMs);
    out.push({ kind: 'run', worker: own.rank, tasks: [held], slots: idle.map(({ rank }) => rank) });
    return true;
  }

  #give(held: HeldTask, nowMs: number, out: DispatchCommand[]): boolean {
    const idle = this.#workers.find((list) => list.isIdle);
    const list = idle ?? (held.mayShare ? this.#withRoom(held) : undefined);
    if (list === undefined) return false;
    const tasks = this.#batchFrom(held, list);
    list.give(tasks, nowMs);
    out.push({ kind: 'run', worker: list.rank, tasks, slots: [list.rank] });
    return true;
  }

  /** The worker that will have nothing to do soonest, if that is soon. */
  #withRoom(held: HeldTask): WorkList | undefined {
    let best: WorkList | undefined;
    for (const list of this.#workers) {
      if (!list.isShared || !this.#hasRoom(list, held.task.code)) continue;
      if (best === undefined || list.expectedMs < best.expectedMs) best = list;
    }
    return best;
  }

  #hasRoom(list: WorkList, code: number): boolean {
    return this.#pace.hasRoom(list, code) || (list.count === 1 && this.#pace.expectedMs(code) <= AHEAD_MS);
  }

  // As many as should keep the worker busy for the time of a batch, and no more than its share of what waits.
  #batchFrom(first: HeldTask, list: WorkList): HeldTask[] {
    const tasks = [first];
    first.expectedMs = this.#pace.expectedMs(first.task.code);
    if (!first.mayShare) return tasks;
    const share = Math.ceil((this.#queue.size + 1) / this.#workers.length);
    let { expectedMs } = first;
    while (tasks.length < share) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      if (!next.mayShare || !this.#pace.hasRoom({ count: list.count + tasks.length, expectedMs }, next.task.code)) {
        this.#queue.putBack(next, next.task.priority);
        break;
      }
      next.expectedMs = this.#pace.expectedMs(next.task.code);
      expectedMs += next.expectedMs;
      tasks.push(next);
    }
    return tasks;
  }
}
