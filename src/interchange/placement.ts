import type { Manager } from './manager.js';
import type { Candidate, ManagerSelector } from './manager-selector.js';
import type { ManagerTable } from './manager-table.js';
import { goesBefore, type Line, type PendingTasks } from './pending-tasks.js';
import type { PlacedTask } from './placed-task.js';

/** How long a task that is too large for any gap waits until a manager is kept free for it. */
export const RESERVE_AFTER_MS = 1_000;

/**
 * Decides which pending task goes to which manager: by priority and then by arrival; one that fits nowhere now does not
 * hold up those behind it, and is not starved by them either, since after a while a manager is kept free for it.
 */
export class Placement {
  readonly #table: ManagerTable;
  readonly #pending: PendingTasks;
  readonly #selector: ManagerSelector;
  #reserved: Manager | undefined;

  constructor(table: ManagerTable, pending: PendingTasks, selector: ManagerSelector) {
    this.#table = table;
    this.#pending = pending;
    this.#selector = selector;
  }

  /** Takes every pending task that fits somewhere out of its line, and gives it to `assign`. */
  placeAll(nowMs: number, assign: (placed: PlacedTask, manager: Manager) => void): void {
    if (this.#pending.size === 0) return;
    this.#serveReserved(nowMs, assign);
    const lines = this.#pending.lines().filter((line) => !line.isBlocked);
    for (let line = first(lines, undefined); line !== undefined; line = first(lines, undefined)) {
      if (this.#placeBatch(line, first(lines, line)?.head, nowMs, assign)) continue;
      line.isBlocked = true;
      lines.splice(lines.indexOf(line), 1);
    }
    this.#reserve(nowMs);
  }

  /** A manager came, or has more room than before: lines that wait for such a one are tried again. */
  hasRoom(manager: Manager, nowMs: number): void {
    if (this.#pending.size === 0) return;
    for (const line of this.#pending.lines()) {
      if (line.isBlocked && manager.hasRoomFor(manager.slotsOf(line, nowMs))) line.isBlocked = false;
    }
  }

  /** A manager is gone, or takes no more tasks. */
  withdraw(manager: Manager): void {
    if (manager === this.#reserved) this.#release(manager);
  }

  /** A task waits no more. */
  cancel(placed: PlacedTask): void {
    if (this.#reserved?.reservedFor !== placed) return;
    this.#release(this.#reserved);
  }

  /** When a manager is to be reserved though nothing else happens, on the caller's clock. */
  dueAtMs(): number {
    if (this.#reserved !== undefined || this.#pending.size === 0) return Number.POSITIVE_INFINITY;
    return Math.min(Number.POSITIVE_INFINITY, ...this.#pending.lines().map((line) => this.#reserveAtMs(line)));
  }

  #placeBatch(
    line: Line,
    rival: PlacedTask | undefined,
    nowMs: number,
    assign: (placed: PlacedTask, manager: Manager) => void,
  ): boolean {
    const candidates = this.#candidates(line, nowMs);
    if (candidates.length === 0) return false;
    const manager = this.#choose(candidates, line);
    const slots = manager.slotsOf(line, nowMs);
    const near = line.head?.task?.needs?.near;
    // As even as can be over all of them; and free slots first, everywhere, before any task waits at a manager.
    const room = manager.freeSlots >= slots ? Math.floor(manager.freeSlots / slots) : manager.credit;
    const share = Math.min(room, Math.ceil(line.size / candidates.length));
    for (let count = 0; count < share; count++) {
      const { head } = line;
      if (
        head === undefined ||
        (count > 0 && (!isSame(head.task?.needs?.near, near) || (rival && goesBefore(rival, head))))
      ) {
        return true;
      }
      this.#pending.shift(line);
      head.slots = slots;
      assign(head, manager);
      this.cancel(head);
    }
    return true;
  }

  #candidates(line: Line, nowMs: number): readonly Manager[] {
    const { free, credit } = this.#table;
    if (line.needs === undefined) return free.length > 0 ? free : credit;
    const fits = (manager: Manager): boolean => manager.hasRoomFor(manager.slotsOf(line, nowMs));
    const fitting = free.filter(fits);
    return fitting.length > 0 ? fitting : credit.filter(fits);
  }

  #choose(candidates: readonly Manager[], { head }: Line): Manager {
    const chosen = this.#selector.choose(candidates as readonly Candidate[], head?.task?.needs);
    return candidates.includes(chosen as Manager) ? (chosen as Manager) : (candidates[0] as Manager);
  }

  #serveReserved(nowMs: number, assign: (placed: PlacedTask, manager: Manager) => void): void {
    const manager = this.#reserved;
    const placed = manager?.reservedFor;
    if (manager === undefined || placed?.line === undefined) return;
    const slots = manager.slotsOf(placed.line, nowMs);
    if (slots === Number.POSITIVE_INFINITY) {
      this.#release(manager);
    } else if (manager.hasRoomFor(slots)) {
      this.#release(manager);
      this.#pending.remove(placed);
      placed.slots = slots;
      assign(placed, manager);
    }
  }

  /** One at a time, for the task that is first in turn: more would keep too much of the machine empty. */
  #reserve(nowMs: number): void {
    if (this.#reserved !== undefined) return;
    const waiting = this.#pending.lines().filter((line) => this.#reserveAtMs(line) <= nowMs);
    for (let line = first(waiting, undefined); line !== undefined; line = first(waiting, undefined)) {
      const manager = this.#emptiestFor(line, nowMs);
      if (manager !== undefined) {
        manager.reservedFor = line.head;
        this.#reserved = manager;
        this.#table.changed(manager);
        return;
      }
      line.triedAtMs = nowMs;
      waiting.splice(waiting.indexOf(line), 1);
    }
  }

  #reserveAtMs({ isBlocked, needs, head, triedAtMs }: Line): number {
    if (!isBlocked || needs === undefined || head === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(head.sinceMs, triedAtMs) + RESERVE_AFTER_MS;
  }

  #emptiestFor(line: Line, nowMs: number): Manager | undefined {
    let emptiest: Manager | undefined;
    for (const manager of this.#table.all()) {
      const slots = manager.state === 'ready' ? manager.slotsOf(line, nowMs) : Number.POSITIVE_INFINITY;
      const isFit = slots > 1 && slots <= manager.slots;
      if (isFit && (emptiest === undefined || manager.freeSlots > emptiest.freeSlots)) emptiest = manager;
    }
    return emptiest;
  }

  #release(manager: Manager): void {
    manager.reservedFor = undefined;
    this.#reserved = undefined;
    this.#table.changed(manager);
    for (const line of this.#pending.lines()) line.isBlocked = false;
  }
}

function isSame(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((id, index) => id === other[index]);
}

function first(lines: readonly Line[], except: Line | undefined): Line | undefined {
  let best: Line | undefined;
  for (const line of lines) {
    if (line === except || line.head === undefined) continue;
    if (best?.head === undefined || goesBefore(line.head, best.head)) best = line;
  }
  return best;
}
