import type { Command, ManagerOrder } from '../wire/pilot/messages.js';
import type { Manager } from './manager.js';
import type { ManagerList } from './manager-list.js';
import type { ManagerTable } from './manager-table.js';
import type { Placement } from './placement.js';

/** Whom a change of a manager's state concerns. */
export interface StateParts {
  readonly table: ManagerTable;
  readonly list: ManagerList;
  readonly placement: Placement;
  toManager(id: string, order: ManagerOrder): void;
}

/** Turns managers from one state to another: held and released by command, drained by command or by themselves. */
export class ManagerStates {
  readonly #parts: StateParts;

  constructor(parts: StateParts) {
    this.#parts = parts;
  }

  /** Does what a command says, and answers the managers it was for. */
  obey(command: Exclude<Command, { readonly name: 'managers' }>, nowMs: number): readonly Manager[] {
    const { table, placement, toManager } = this.#parts;
    const targets = table.targets(command.target);
    for (const manager of targets) {
      if (command.name === 'hold' && manager.state === 'ready') this.#turn(manager, 'held');
      if (command.name === 'release' && manager.state === 'held') {
        this.#turn(manager, 'ready');
        placement.hasRoom(manager, nowMs);
      }
      if (command.name === 'drain' && (manager.state === 'ready' || manager.state === 'held')) {
        toManager(manager.id, { kind: 'drain' });
        this.drain(manager);
      }
    }
    return targets;
  }

  /** Gets no more tasks, and is told so once it has none. */
  drain(manager: Manager): void {
    if (manager.state === 'drained') return;
    this.#turn(manager, 'draining');
    if (manager.tasks.size === 0) this.drained(manager);
  }

  drained(manager: Manager): void {
    this.#turn(manager, 'drained');
    this.#parts.toManager(manager.id, { kind: 'drained' });
  }

  #turn(manager: Manager, state: Manager['state']): void {
    const { table, list, placement } = this.#parts;
    manager.state = state;
    list.changed();
    placement.withdraw(manager);
    table.changed(manager);
  }
}
