import type {
  ClientMessage,
  Command,
  InterchangeMessage,
  ManagerInfo,
  ManagerMessage,
  ManagerOrder,
  ManagerRegistration,
} from '../wire/pilot/messages.js';
import type { Manager } from './manager.js';
import { ManagerList } from './manager-list.js';
import type { ManagerSelector } from './manager-selector.js';
import { ManagerStates } from './manager-states.js';
import { ManagerTable } from './manager-table.js';
import { PendingTasks } from './pending-tasks.js';
import { Placement } from './placement.js';
import { Reclaim } from './reclaim.js';
import { type Refused, refusalOf } from './refusal-of.js';
import { TaskBatches } from './task-batches.js';
import { TaskLedger } from './task-ledger.js';

/** What a broker tells the world to do. */
export interface BrokerPorts {
  toClient(message: InterchangeMessage): void;
  toManager(id: string, order: ManagerOrder): void;
  /** Nothing more is to be said to this manager, nor heard of it, until it speaks again. */
  forget(id: string): void;
  silentForMs(id: string): number;
  /** All is over: managers have been told. */
  end(): void;
}

export interface BrokerOptions {
  /** Version of Sluice that managers must have. */
  readonly sluice: string;
  readonly token: string;
  readonly reclaimMs: number;
  /** Messages of tasks and results are not larger than half of this, where single ones are not. */
  readonly maxMessageBytes: number;
  readonly selector: ManagerSelector;
}

/**
 * Knows which tasks wait, which managers there are and who has what, and decides all an interchange does. Does no I/O
 * and keeps no time: `nowMs` is the caller's clock. What a message makes necessary is done by the next {@link flush}, so
 * that many messages make few.
 */
export class Broker {
  readonly #ports: BrokerPorts;
  readonly #options: BrokerOptions;
  readonly #table = new ManagerTable();
  readonly #list = new ManagerList(this.#table);
  readonly #placement: Placement;
  readonly #reclaim: Reclaim;
  readonly #states: ManagerStates;
  readonly #ledger: TaskLedger;
  readonly #code = new Map<number, Uint8Array>();
  readonly #batches: TaskBatches;
  #isWelcome = false;

  constructor(ports: BrokerPorts, options: BrokerOptions) {
    this.#ports = ports;
    this.#options = options;
    const table = this.#table;
    const pending = new PendingTasks();
    const placement = new Placement(table, pending, options.selector);
    const reclaim = new Reclaim(options.reclaimMs);
    this.#placement = placement;
    this.#reclaim = reclaim;
    const toManager = ports.toManager.bind(ports);
    this.#states = new ManagerStates({ table, list: this.#list, placement, toManager });
    this.#batches = new TaskBatches(ports, this.#code, options.maxMessageBytes / 2);
    this.#ledger = new TaskLedger({
      table,
      pending,
      placement,
      reclaim,
      cancelAt: ({ id }, keys) => ports.toManager(id, { kind: 'cancel', keys }),
      freed: (manager, nowMs) => this.#freed(manager, nowMs),
    });
  }

  /** Whether this is the client that started the interchange, and the first to say so. */
  admits({ token }: { readonly token: string }): boolean {
    return !this.#isWelcome && token === this.#options.token;
  }

  onClient(message: ClientMessage, nowMs: number): void {
    switch (message.kind) {
      case 'hello':
        this.#isWelcome = true;
        this.#list.changed();
        this.#reclaim.begin(message.known, (id) => this.#table.get(id) !== undefined, nowMs);
        this.#ports.toClient({ kind: 'welcome' });
        return;
      case 'code':
        this.#code.set(message.code, message.bytes);
        return;
      case 'tasks':
        for (const task of message.tasks) this.#ledger.submit(task, message.again, nowMs);
        return;
      case 'cancel':
        this.#ledger.cancel(message.keys, nowMs);
        return;
      case 'command':
        this.#ports.toClient({ kind: 'reply', id: message.id, managers: this.#command(message.command, nowMs) });
        return;
      case 'drop':
        if (this.#table.get(message.manager) !== undefined) {
          this.#ports.toManager(message.manager, { kind: 'drop', paths: message.paths });
        }
        return;
      case 'close':
        this.stop('the executor was closed');
        return;
    }
  }

  onManager(id: string, message: ManagerMessage, nowMs: number): void {
    if (message.kind === 'register') {
      this.#register(id, message.manager, nowMs);
      return;
    }
    const manager = this.#table.get(id);
    if (manager === undefined) {
      this.#ports.toManager(id, { kind: 'who' });
      return;
    }
    switch (message.kind) {
      case 'results':
        for (const result of message.results) this.#ledger.end(manager, result, nowMs);
        this.#freed(manager, nowMs);
        return;
      case 'prefetch':
        manager.prefetch = message.tasks;
        this.#table.changed(manager);
        this.#placement.hasRoom(manager, nowMs);
        return;
      case 'kept':
        manager.kept = message.kept;
        this.#list.changed();
        return;
      case 'returned':
        this.#ledger.takeBack(manager, message.tasks);
        this.#freed(manager, nowMs);
        return;
      case 'draining':
        this.#states.drain(manager);
        return;
      case 'bye':
        if (manager.state === 'drained' && manager.tasks.size === 0) this.#remove(manager);
        else this.#lose(manager, message.reason);
        return;
    }
  }

  /** A peer is there for the first time, or began anew. */
  onPeer(id: string): void {
    const manager = this.#table.get(id);
    if (manager === undefined) return;
    manager.isStale = true;
    this.#placement.withdraw(manager);
    this.#table.changed(manager);
    this.#ports.toManager(id, { kind: 'who' });
  }

  onSilent(id: string, silentMs: number): void {
    const manager = this.#table.get(id);
    if (manager !== undefined) this.#lose(manager, `it has been silent for ${Math.round(silentMs)} ms`);
  }

  /** One that wanted to register could not be understood, or is not to be let in. */
  refuse(id: string, { blockId, host, reason }: Refused): void {
    this.#ports.toManager(id, { kind: 'refused', reason });
    this.#tell({ kind: 'managerRefused', blockId, host, reason });
  }

  /** Every manager is told to stop, and all ends. */
  stop(reason: string): void {
    for (const manager of this.#table.all()) this.#ports.toManager(manager.id, { kind: 'stop', reason });
    this.#ports.end();
  }

  /** Does what messages and time have made necessary. */
  flush(nowMs: number): void {
    if (this.#reclaim.isDue(nowMs)) this.#ledger.endReclaim(nowMs);
    this.#placement.placeAll(nowMs, (placed, manager) => {
      if (manager.tasks.size === 0) this.#list.changed();
      this.#ledger.give(placed, manager);
      if (placed.task !== undefined) this.#batches.add(manager, placed.task);
    });
    this.#batches.send();
    this.#sendResults();
    if (this.#isWelcome && nowMs >= this.#list.dueAtMs()) {
      this.#list.told(nowMs);
      this.#ports.toClient({ kind: 'managers', managers: this.managers(nowMs) });
    }
  }

  /** When {@link flush} is due though no message comes; `Infinity` for never. */
  dueAtMs(): number {
    const listAtMs = this.#isWelcome ? this.#list.dueAtMs() : Number.POSITIVE_INFINITY;
    return Math.min(listAtMs, this.#placement.dueAtMs(), this.#reclaim.dueAtMs());
  }

  managers(nowMs: number): ManagerInfo[] {
    return Array.from(this.#table.all(), (manager) => this.#infoOf(manager, nowMs));
  }

  #infoOf(manager: Manager, nowMs: number): ManagerInfo {
    return manager.infoAt(nowMs, this.#ports.silentForMs(manager.id));
  }

  #tell(message: InterchangeMessage): void {
    if (this.#isWelcome) this.#ports.toClient(message);
  }

  #sendResults(): void {
    if (!this.#isWelcome) return;
    const results = this.#ledger.takeResults();
    if (results.length === 0) return;
    this.#batches.split(results, (some) => this.#ports.toClient({ kind: 'results', results: some }));
  }

  #register(id: string, registration: ManagerRegistration, nowMs: number): void {
    const refused = refusalOf(registration, id, this.#options.sluice);
    if (refused !== undefined) {
      this.refuse(id, refused);
      return;
    }
    const manager = this.#table.get(id) ?? this.#table.add(registration, nowMs);
    this.#ports.toManager(id, { kind: 'welcome' });
    this.#list.changed();
    this.#reclaim.cameBack(id);
    this.#ledger.hold(manager, registration.holding, nowMs);
    if (manager.isStale) this.#ledger.lose(manager, 'its connection began anew without it', registration.holding);
    manager.isStale = false;
    this.#freed(manager, nowMs);
  }

  #freed(manager: Manager, nowMs: number): void {
    if (manager.tasks.size === 0 && manager.idleSinceMs === undefined) {
      manager.idleSinceMs = nowMs;
      this.#list.changed();
      if (manager.state === 'draining') this.#states.drained(manager);
    }
    this.#table.changed(manager);
    this.#placement.hasRoom(manager, nowMs);
  }

  /** Does it, and answers the managers it was for. */
  #command(command: Command, nowMs: number): ManagerInfo[] {
    if (command.name === 'managers') return this.managers(nowMs);
    return this.#states.obey(command, nowMs).map((manager) => this.#infoOf(manager, nowMs));
  }

  #lose(manager: Manager, reason: string): void {
    this.#ledger.lose(manager, reason);
    this.#remove(manager);
    this.#sendResults();
    this.#tell({ kind: 'managerLost', id: manager.id, blockId: manager.blockId, reason });
  }

  #remove(manager: Manager): void {
    this.#list.changed();
    this.#placement.withdraw(manager);
    this.#table.remove(manager);
    this.#ports.forget(manager.id);
  }
}
