import { SluiceError } from '../errors.js';
import { encodeError } from '../wire/error-codec.js';
import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';
import type { Manager } from './manager.js';
import type { ManagerTable } from './manager-table.js';
import type { PendingTasks } from './pending-tasks.js';
import type { PlacedTask } from './placed-task.js';
import type { Placement } from './placement.js';
import type { Reclaim } from './reclaim.js';

/** What a ledger works with, and whom it tells. */
export interface LedgerParts {
  readonly table: ManagerTable;
  readonly pending: PendingTasks;
  readonly placement: Placement;
  readonly reclaim: Reclaim;
  /** A manager is not to go on with tasks. */
  cancelAt(manager: Manager, keys: readonly number[]): void;
  /** A manager has less to do than before. */
  freed(manager: Manager, nowMs: number): void;
}

/** Every task that has not ended, and where it is: waiting in a line, with a manager, or for a manager to come back. */
export class TaskLedger {
  readonly #parts: LedgerParts;
  readonly #tasks = new Map<number, PlacedTask>();
  #results: PilotResult[] = [];
  #arrivals = 0;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  submit(task: PilotTask, again: boolean, nowMs: number): void {
    const { reclaim, pending } = this.#parts;
    if (again && reclaim.hasEnded(task.key)) return;
    const held = this.#tasks.get(task.key);
    if (held !== undefined) {
      if (held.task === undefined) this.#claim(held, task, nowMs);
      return;
    }
    const placed = this.#add(task.key, task, nowMs);
    if (again && reclaim.isUnderWay) reclaim.wait(placed);
    else pending.push(placed);
  }

  /** A manager has the task from now on. */
  give(placed: PlacedTask, manager: Manager): void {
    manager.idleSinceMs = undefined;
    placed.manager = manager;
    manager.tasks.set(placed.key, placed);
    manager.usedSlots += placed.slots;
    this.#parts.table.changed(manager);
  }

  /** A manager says how a task ended. */
  end(manager: Manager, result: PilotResult, nowMs: number): void {
    const { reclaim } = this.#parts;
    const placed = this.#tasks.get(result.key);
    if (placed === undefined) {
      // After a restart, one the client has not claimed yet; else one that was cancelled, or given up as lost.
      if (!reclaim.isOpen) return;
      reclaim.ended(result.key);
      this.#results.push(result);
      return;
    }
    if (placed.task === undefined) reclaim.ended(result.key);
    const holder = this.#remove(placed);
    if (holder !== undefined && holder !== manager) {
      this.#parts.cancelAt(holder, [result.key]);
      this.#parts.freed(holder, nowMs);
    }
    this.#results.push(result);
  }

  /** Nobody wants these any more. */
  cancel(keys: readonly number[], nowMs: number): void {
    const byManager = new Map<Manager, number[]>();
    for (const key of keys) {
      const placed = this.#tasks.get(key);
      const holder = placed === undefined ? undefined : this.#remove(placed);
      if (holder === undefined) continue;
      const its = byManager.get(holder);
      if (its === undefined) byManager.set(holder, [key]);
      else its.push(key);
    }
    for (const [manager, its] of byManager) {
      this.#parts.cancelAt(manager, its);
      this.#parts.freed(manager, nowMs);
    }
  }

  /** They have not begun there, and wait for their turn again. One that was cancelled meanwhile is nobody's. */
  takeBack(manager: Manager, tasks: readonly PilotTask[]): void {
    for (const task of tasks.toReversed()) {
      const placed = this.#tasks.get(task.key);
      if (placed?.manager !== manager) continue;
      manager.tasks.delete(placed.key);
      manager.usedSlots -= placed.slots;
      placed.manager = undefined;
      // After a restart it may be that only the manager knows what it is.
      placed.task ??= task;
      this.#parts.pending.putBack(placed);
    }
  }

  /** A manager came with tasks from before. */
  hold(manager: Manager, keys: readonly number[], nowMs: number): void {
    const unwanted = keys.filter((key) => !this.#isHeld(manager, key, nowMs));
    if (unwanted.length > 0) this.#parts.cancelAt(manager, unwanted);
  }

  /** Tasks of a manager end as lost, except those with the keys. */
  lose(manager: Manager, reason: string, except: readonly number[] = []): void {
    const kept = new Set(except);
    const { id, host, blockId } = manager;
    const message = `manager ${id} on ${host} (block ${blockId}) is lost, and the task with it: ${reason}`;
    const parts = [encodeError(new SluiceError('WORKER_LOST', message), { app: '' })];
    for (const placed of [...manager.tasks.values()]) {
      if (kept.has(placed.key)) continue;
      this.#remove(placed);
      // What nobody has claimed, nobody waits for; when it is claimed it is placed anew.
      if (placed.task !== undefined) this.#results.push({ key: placed.key, kind: 'failure', parts });
    }
  }

  /** Managers of an interchange before this one have had their time: what they have not brought is placed anew. */
  endReclaim(nowMs: number): void {
    const { reclaim, pending, table } = this.#parts;
    for (const placed of reclaim.giveUp(nowMs)) pending.push(placed);
    if (reclaim.isOpen) return;
    const unclaimed: number[] = [];
    for (const { tasks } of table.all()) for (const { key, task } of tasks.values()) if (!task) unclaimed.push(key);
    this.cancel(unclaimed, nowMs);
  }

  /** Results the client has not been told yet. */
  takeResults(): PilotResult[] {
    const results = this.#results;
    if (results.length > 0) this.#results = [];
    return results;
  }

  #add(key: number, task: PilotTask | undefined, nowMs: number): PlacedTask {
    const arrival = this.#arrivals;
    const placed = { key, task, arrival, sinceMs: nowMs, line: undefined, manager: undefined, slots: 1 };
    this.#arrivals += 1;
    this.#tasks.set(key, placed);
    return placed;
  }

  /** Takes a task from wherever it is; answers who had it. */
  #remove(placed: PlacedTask): Manager | undefined {
    const { manager } = placed;
    this.#tasks.delete(placed.key);
    this.#parts.reclaim.claimed(placed);
    this.#unpend(placed);
    if (manager === undefined) return undefined;
    manager.tasks.delete(placed.key);
    manager.usedSlots -= placed.slots;
    placed.manager = undefined;
    return manager;
  }

  #unpend(placed: PlacedTask): void {
    if (placed.line === undefined) return;
    this.#parts.pending.remove(placed);
    this.#parts.placement.cancel(placed);
  }

  /** A manager had it from before, and its client has said what it is. */
  #claim(held: PlacedTask, task: PilotTask, nowMs: number): void {
    const { manager } = held;
    held.task = task;
    if (manager === undefined) return;
    manager.usedSlots -= held.slots;
    held.slots = slotsAt(manager, task, nowMs);
    manager.usedSlots += held.slots;
    this.#parts.table.changed(manager);
  }

  #isHeld(manager: Manager, key: number, nowMs: number): boolean {
    const { reclaim } = this.#parts;
    let placed = this.#tasks.get(key);
    if (placed === undefined) {
      if (!reclaim.isOpen) return false;
      placed = this.#add(key, undefined, nowMs);
    } else if (placed.manager !== undefined) {
      return placed.manager === manager;
    }
    reclaim.claimed(placed);
    this.#unpend(placed);
    placed.slots = slotsAt(manager, placed.task, nowMs);
    this.give(placed, manager);
    return true;
  }
}

function slotsAt(manager: Manager, task: PilotTask | undefined, nowMs: number): number {
  return Math.min(manager.slots, manager.slotsOf({ needs: task?.needs }, nowMs));
}
