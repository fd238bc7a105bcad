import type { ManagerRegistration, Target } from '../wire/pilot/messages.js';
import { Manager } from './manager.js';

/**
 * The managers that are there, and lists of those that could take a task, which are kept up to date by whoever changes a
 * manager and calls {@link changed}: nobody looks through all of them for each task.
 */
export class ManagerTable {
  readonly #byId = new Map<string, Manager>();
  /** Managers with a slot that nothing runs in. */
  readonly free: Manager[] = [];
  /** Managers that take a task, if only to have it at hand. Those of `free` are here too. */
  readonly credit: Manager[] = [];
  #arrivals = 0;

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Manager | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Manager> {
    return this.#byId.values();
  }

  targets(target: Target): Manager[] {
    if ('manager' in target) {
      const manager = this.#byId.get(target.manager);
      return manager === undefined ? [] : [manager];
    }
    return [...this.#byId.values()].filter(({ blockId }) => blockId === target.block);
  }

  add(registration: ManagerRegistration, nowMs: number): Manager {
    const manager = new Manager(registration, this.#arrivals, nowMs);
    this.#arrivals += 1;
    this.#byId.set(manager.id, manager);
    this.changed(manager);
    return manager;
  }

  remove(manager: Manager): void {
    this.#byId.delete(manager.id);
    this.#list(manager, 'freeIndex', this.free, false);
    this.#list(manager, 'creditIndex', this.credit, false);
  }

  /** Its state, its slots or its reservation changed. */
  changed(manager: Manager): void {
    const isOpen = manager.state === 'ready' && !manager.isStale && manager.reservedFor === undefined;
    this.#list(manager, 'freeIndex', this.free, isOpen && manager.freeSlots >= 1);
    this.#list(manager, 'creditIndex', this.credit, isOpen && manager.credit >= 1);
  }

  #list(manager: Manager, index: 'freeIndex' | 'creditIndex', list: Manager[], belongs: boolean): void {
    const at = manager[index];
    if (belongs === (at !== -1)) return;
    if (belongs) {
      manager[index] = list.push(manager) - 1;
      return;
    }
    // The last one takes its place.
    const last = list.pop();
    if (last !== undefined && last !== manager) {
      list[at] = last;
      last[index] = at;
    }
    manager[index] = -1;
  }
}
