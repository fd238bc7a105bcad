import { SluiceError } from '../errors.js';
import { encodeError } from '../wire/error-codec.js';
import type {
  ClientMessage,
  Command,
  InterchangeMessage,
  ManagerInfo,
  ManagerMessage,
  ManagerOrder,
  ManagerRegistration,
} from '../wire/pilot/messages.js';
import type { PilotResult, PilotTask } from '../wire/pilot/pilot-task.js';
import type { Manager } from './manager.js';
import type { ManagerSelector } from './manager-selector.js';
import { ManagerTable } from './manager-table.js';
import { PendingTasks } from './pending-tasks.js';
import type { PlacedTask } from './placed-task.js';
import { Placement } from './placement.js';
import { Reclaim } from './reclaim.js';
import { TaskBatches } from './task-batches.js';

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

/** Who was not let in, and why. */
interface Refused {
  readonly blockId: string;
  readonly host: string;
  readonly reason: string;
}

/** The list of managers is told at most so often, for each 200 of them. */
const LIST_EVERY_MS = 200;
const LIST_EVERY_MANAGERS = 200;

/**
 * Knows which tasks wait, which managers there are and who has what, and decides all an interchange does. Does no I/O
 * and keeps no time: `nowMs` is the caller's clock. What a message makes necessary is done by the next {@link flush}, so
 * that many messages make few.
 */
export class Broker {
  readonly #ports: BrokerPorts;
  readonly #options: BrokerOptions;
  readonly #table = new ManagerTable();
  readonly #pending = new PendingTasks();
  readonly #placement: Placement;
  readonly #batches: TaskBatches;
  readonly #reclaim: Reclaim;
  /** Every task that has not ended. */
  readonly #tasks = new Map<number, PlacedTask>();
  readonly #code = new Map<number, Uint8Array>();
  #results: PilotResult[] = [];
  #arrivals = 0;
  #isWelcome = false;
  #isListDue = false;
  #listedAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: BrokerPorts, options: BrokerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#placement = new Placement(this.#table, this.#pending, options.selector);
    this.#batches = new TaskBatches(ports, this.#code, options.maxMessageBytes / 2);
    this.#reclaim = new Reclaim(options.reclaimMs);
  }

  /** Whether this is the client that started the interchange, and the first to say so. */
  admits({ token }: { readonly token: string }): boolean {
    return !this.#isWelcome && token === this.#options.token;
  }

  onClient(message: ClientMessage, nowMs: number): void {
    switch (message.kind) {
      case 'hello':
        this.#isWelcome = true;
        this.#isListDue = true;
        this.#reclaim.begin(message.known, (id) => this.#table.get(id) !== undefined, nowMs);
        this.#ports.toClient({ kind: 'welcome' });
        return;
      case 'code':
        this.#code.set(message.code, message.bytes);
        return;
      case 'tasks':
        for (const task of message.tasks) this.#submit(task, message.again, nowMs);
        return;
      case 'cancel':
        this.#cancel(message.keys, nowMs);
        return;
      case 'command':
        this.#ports.toClient({ kind: 'reply', id: message.id, managers: this.#command(message.command, nowMs) });
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
        for (const result of message.results) this.#end(manager, result);
        this.#freed(manager, nowMs);
        return;
      case 'prefetch':
        manager.prefetch = message.tasks;
        this.#table.changed(manager);
        this.#placement.hasRoom(manager, nowMs);
        return;
      case 'returned':
        this.#takeBack(manager, message.tasks);
        this.#freed(manager, nowMs);
        return;
      case 'draining':
        this.#drain(manager);
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
    if (this.#reclaim.isDue(nowMs)) this.#endReclaim(nowMs);
    this.#placement.placeAll(nowMs, (placed, manager) => this.#assign(placed, manager));
    this.#batches.send();
    this.#sendResults();
    if (this.#isListDue && this.#isWelcome && nowMs >= this.#listAtMs()) {
      this.#isListDue = false;
      this.#listedAtMs = nowMs;
      this.#ports.toClient({ kind: 'managers', managers: this.managers(nowMs) });
    }
  }

  /** When {@link flush} is due though no message comes; `Infinity` for never. */
  dueAtMs(): number {
    const listAtMs = this.#isListDue && this.#isWelcome ? this.#listAtMs() : Number.POSITIVE_INFINITY;
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

  #listAtMs(): number {
    return this.#listedAtMs + LIST_EVERY_MS * (1 + Math.floor(this.#table.size / LIST_EVERY_MANAGERS));
  }

  // Tasks.

  #submit(task: PilotTask, again: boolean, nowMs: number): void {
    if (again && this.#reclaim.hasEnded(task.key)) return;
    const held = this.#tasks.get(task.key);
    if (held !== undefined) {
      if (held.task === undefined) this.#claim(held, task, nowMs);
      return;
    }
    const placed = this.#placed(task.key, task, nowMs);
    if (again && this.#reclaim.isUnderWay) this.#reclaim.wait(placed);
    else this.#pending.push(placed);
  }

  #placed(key: number, task: PilotTask | undefined, nowMs: number): PlacedTask {
    const placed = {
      key,
      task,
      arrival: this.#arrivals,
      sinceMs: nowMs,
      line: undefined,
      manager: undefined,
      slots: 1,
    };
    this.#arrivals += 1;
    this.#tasks.set(key, placed);
    return placed;
  }

  /** A manager had it from before, and its client has said what it is. */
  #claim(held: PlacedTask, task: PilotTask, nowMs: number): void {
    const { manager } = held;
    held.task = task;
    if (manager === undefined) return;
    manager.usedSlots -= held.slots;
    held.slots = Math.min(manager.slots, manager.slotsOf({ needs: task.needs }, nowMs));
    manager.usedSlots += held.slots;
    this.#table.changed(manager);
  }

  #assign(placed: PlacedTask, manager: Manager): void {
    this.#give(placed, manager);
    if (placed.task !== undefined) this.#batches.add(manager, placed.task);
  }

  #give(placed: PlacedTask, manager: Manager): void {
    if (manager.tasks.size === 0) this.#isListDue = true;
    placed.manager = manager;
    manager.tasks.set(placed.key, placed);
    manager.usedSlots += placed.slots;
    this.#table.changed(manager);
  }

  #takeFrom(manager: Manager, placed: PlacedTask): void {
    manager.tasks.delete(placed.key);
    manager.usedSlots -= placed.slots;
    placed.manager = undefined;
  }

  #end(manager: Manager, result: PilotResult): void {
    const placed = this.#tasks.get(result.key);
    if (placed === undefined) {
      // After a restart, one the client has not claimed yet; else one that was cancelled, or given up as lost.
      if (!this.#reclaim.isOpen) return;
      this.#reclaim.ended(result.key);
      this.#results.push(result);
      return;
    }
    this.#tasks.delete(result.key);
    if (placed.task === undefined) this.#reclaim.ended(result.key);
    this.#reclaim.claimed(placed);
    if (placed.line !== undefined) this.#unpend(placed);
    const holder = placed.manager;
    if (holder !== undefined) this.#takeFrom(holder, placed);
    if (holder !== undefined && holder !== manager) {
      this.#ports.toManager(holder.id, { kind: 'cancel', keys: [result.key] });
      this.#table.changed(holder);
    }
    this.#results.push(result);
  }

  /** They have not begun there, and wait for their turn again. One that was cancelled meanwhile is nobody's. */
  #takeBack(manager: Manager, tasks: readonly PilotTask[]): void {
    for (const task of tasks.toReversed()) {
      const placed = this.#tasks.get(task.key);
      if (placed?.manager !== manager) continue;
      this.#takeFrom(manager, placed);
      // After a restart it may be that only the manager knows what it is.
      placed.task ??= task;
      this.#pending.putBack(placed);
    }
  }

  #unpend(placed: PlacedTask): void {
    this.#pending.remove(placed);
    this.#placement.cancel(placed);
  }

  #cancel(keys: readonly number[], nowMs: number): void {
    const byManager = new Map<Manager, number[]>();
    for (const key of keys) {
      const placed = this.#tasks.get(key);
      if (placed === undefined) continue;
      this.#tasks.delete(key);
      this.#reclaim.claimed(placed);
      if (placed.line !== undefined) this.#unpend(placed);
      const { manager } = placed;
      if (manager === undefined) continue;
      this.#takeFrom(manager, placed);
      const its = byManager.get(manager);
      if (its === undefined) byManager.set(manager, [key]);
      else its.push(key);
    }
    for (const [manager, its] of byManager) {
      this.#ports.toManager(manager.id, { kind: 'cancel', keys: its });
      this.#freed(manager, nowMs);
    }
  }

  #sendResults(): void {
    if (this.#results.length === 0 || !this.#isWelcome) return;
    const results = this.#results;
    this.#results = [];
    this.#batches.split(results, (some) => this.#ports.toClient({ kind: 'results', results: some }));
  }

  // Managers.

  #register(id: string, registration: ManagerRegistration, nowMs: number): void {
    const { sluice, blockId, host } = registration;
    if (sluice !== this.#options.sluice) {
      const reason = `it has version ${sluice} of sluice, and the client ${this.#options.sluice}: bring both to one version`;
      this.refuse(id, { blockId, host, reason });
      return;
    }
    if (registration.id !== id) {
      this.refuse(id, { blockId, host, reason: `it calls itself '${registration.id}' and its socket '${id}'` });
      return;
    }
    const known = this.#table.get(id);
    const manager = known ?? this.#table.add(registration, nowMs);
    this.#ports.toManager(id, { kind: 'welcome' });
    this.#isListDue = true;
    this.#reclaim.cameBack(id);
    this.#hold(manager, registration.holding, nowMs);
    if (known?.isStale) this.#loseWhatIsNotHeld(known, registration.holding);
    manager.isStale = false;
    this.#freed(manager, nowMs);
  }

  /** What it brought from before. */
  #hold(manager: Manager, keys: readonly number[], nowMs: number): void {
    const unwanted: number[] = [];
    for (const key of keys) {
      const placed = this.#tasks.get(key);
      if (placed === undefined) {
        if (this.#reclaim.isOpen) this.#give(this.#placed(key, undefined, nowMs), manager);
        else unwanted.push(key);
      } else if (this.#reclaim.claimed(placed)) {
        placed.slots = Math.min(manager.slots, manager.slotsOf({ needs: placed.task?.needs }, nowMs));
        this.#give(placed, manager);
      } else if (placed.manager !== manager) {
        unwanted.push(key);
      }
    }
    if (unwanted.length > 0) this.#ports.toManager(manager.id, { kind: 'cancel', keys: unwanted });
  }

  #loseWhatIsNotHeld(manager: Manager, holding: readonly number[]): void {
    const held = new Set(holding);
    const gone = [...manager.tasks.values()].filter(({ key }) => !held.has(key));
    this.#fail(manager, gone, 'its connection broke and it does not have the task any more');
  }

  #freed(manager: Manager, nowMs: number): void {
    if (manager.tasks.size === 0) {
      manager.idleSinceMs = nowMs;
      this.#isListDue = true;
      if (manager.state === 'draining') this.#drained(manager);
    }
    this.#table.changed(manager);
    this.#placement.hasRoom(manager, nowMs);
  }

  /** Does it, and answers the managers it was for. */
  #command(command: Command, nowMs: number): ManagerInfo[] {
    if (command.name === 'managers') return this.managers(nowMs);
    const targets = [...this.#table.targets(command.target)];
    for (const manager of targets) {
      if (command.name === 'hold' && manager.state === 'ready') this.#turn(manager, 'held');
      if (command.name === 'release' && manager.state === 'held') {
        this.#turn(manager, 'ready');
        this.#placement.hasRoom(manager, nowMs);
      }
      if (command.name === 'drain' && (manager.state === 'ready' || manager.state === 'held')) {
        this.#ports.toManager(manager.id, { kind: 'drain' });
        this.#drain(manager);
      }
    }
    return targets.map((manager) => this.#infoOf(manager, nowMs));
  }

  #turn(manager: Manager, state: Manager['state']): void {
    manager.state = state;
    this.#isListDue = true;
    this.#placement.withdraw(manager);
    this.#table.changed(manager);
  }

  #drain(manager: Manager): void {
    if (manager.state === 'drained') return;
    this.#turn(manager, 'draining');
    if (manager.tasks.size === 0) this.#drained(manager);
  }

  #drained(manager: Manager): void {
    this.#turn(manager, 'drained');
    this.#ports.toManager(manager.id, { kind: 'drained' });
  }

  #lose(manager: Manager, reason: string): void {
    this.#fail(manager, [...manager.tasks.values()], reason);
    this.#remove(manager);
    this.#sendResults();
    this.#tell({ kind: 'managerLost', id: manager.id, blockId: manager.blockId, reason });
  }

  #remove(manager: Manager): void {
    this.#isListDue = true;
    this.#placement.withdraw(manager);
    this.#table.remove(manager);
    this.#batches.forget(manager);
    this.#ports.forget(manager.id);
  }

  #fail(manager: Manager, lost: readonly PlacedTask[], reason: string): void {
    const { id, host, blockId } = manager;
    const message = `manager ${id} on ${host} (block ${blockId}) is lost, and the task with it: ${reason}`;
    const parts = [encodeError(new SluiceError('WORKER_LOST', message), { app: '' })];
    for (const placed of lost) {
      this.#takeFrom(manager, placed);
      this.#tasks.delete(placed.key);
      // What nobody has claimed, nobody waits for; when it is claimed it is placed anew.
      if (placed.task !== undefined) this.#results.push({ key: placed.key, kind: 'failure', parts });
    }
  }

  /** Managers of an interchange before this one have had their time. */
  #endReclaim(nowMs: number): void {
    for (const placed of this.#reclaim.giveUp(nowMs)) this.#pending.push(placed);
    if (this.#reclaim.isOpen) return;
    for (const manager of this.#table.all()) {
      const unclaimed = [...manager.tasks.values()].filter(({ task }) => task === undefined);
      if (unclaimed.length > 0)
        this.#cancel(
          unclaimed.map(({ key }) => key),
          nowMs,
        );
    }
  }
}
