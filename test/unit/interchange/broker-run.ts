import { Broker, type BrokerOptions } from '../../../src/interchange/broker.js';
import { mostFreeSelector } from '../../../src/interchange/built-in-selectors.js';
import { decodeError } from '../../../src/wire/error-codec.js';
import type {
  ClientMessage,
  InterchangeMessage,
  ManagerMessage,
  ManagerOrder,
  ManagerRegistration,
} from '../../../src/wire/pilot/messages.js';
import type { PilotResult, PilotTask, TaskNeeds } from '../../../src/wire/pilot/pilot-task.js';

export function registrationOf(fields: Partial<ManagerRegistration> = {}): ManagerRegistration {
  return {
    id: 'm1',
    blockId: 'b1',
    host: 'node1',
    pid: 1,
    sluice: '1.0.0',
    node: 'v20.20.2',
    packages: {},
    slots: 2,
    share: { cores: 1, memoryMiB: 1_000, accelerators: 0 },
    prefetch: 0,
    cores: 2,
    memoryMiB: 2_000,
    accelerators: 0,
    holding: [],
    ...fields,
  };
}

export function task(
  key: number,
  fields: { priority?: number; needs?: TaskNeeds; code?: number; bytes?: number } = {},
): PilotTask {
  const { priority = 0, needs, code = 1, bytes = 1 } = fields;
  return { key, priority, needs, code, parts: [new Uint8Array(bytes)] };
}

export function outcome(key: number): PilotResult {
  return { key, kind: 'outcome', parts: [new Uint8Array(1)] };
}

/** A broker on a clock of its own, and all it has said. */
export class BrokerRun {
  readonly broker: Broker;
  readonly toClient: InterchangeMessage[] = [];
  readonly toManagers: { readonly id: string; readonly order: ManagerOrder }[] = [];
  readonly forgotten: string[] = [];
  isEnded = false;
  nowMs = 1_000;

  constructor(options: Partial<BrokerOptions> = {}) {
    this.broker = new Broker(
      {
        toClient: (message) => this.toClient.push(message),
        toManager: (id, order) => this.toManagers.push({ id, order }),
        forget: (id) => this.forgotten.push(id),
        silentForMs: () => 0,
        end: () => {
          this.isEnded = true;
        },
      },
      {
        sluice: '1.0.0',
        token: 'secret',
        reclaimMs: 10_000,
        maxMessageBytes: 64 * 1024 * 1024,
        selector: mostFreeSelector(),
        ...options,
      },
    );
  }

  hello(known: readonly string[] = []): this {
    return this.client({ kind: 'hello', sluice: '1.0.0', token: 'secret', known });
  }

  client(message: ClientMessage): this {
    this.broker.onClient(message, this.nowMs);
    this.broker.flush(this.nowMs);
    return this;
  }

  submit(...tasks: PilotTask[]): this {
    return this.client({ kind: 'tasks', tasks, again: false });
  }

  again(...tasks: PilotTask[]): this {
    return this.client({ kind: 'tasks', tasks, again: true });
  }

  manager(id: string, message: ManagerMessage): this {
    this.broker.onManager(id, message, this.nowMs);
    this.broker.flush(this.nowMs);
    return this;
  }

  register(fields: Partial<ManagerRegistration> = {}): this {
    const manager = registrationOf(fields);
    return this.manager(manager.id, { kind: 'register', manager });
  }

  finish(id: string, ...keys: number[]): this {
    return this.manager(id, { kind: 'results', results: keys.map(outcome) });
  }

  pass(ms: number): this {
    this.nowMs += ms;
    this.broker.flush(this.nowMs);
    return this;
  }

  /** Keys of the tasks a manager was sent, in order. */
  keysAt(id: string): number[] {
    return this.ordersOf(id).flatMap((order) => (order.kind === 'tasks' ? order.tasks.map(({ key }) => key) : []));
  }

  ordersOf(id: string): ManagerOrder[] {
    return this.toManagers.filter((each) => each.id === id).map(({ order }) => order);
  }

  kindsOf(id: string): string[] {
    return this.ordersOf(id).map(({ kind }) => kind);
  }

  /** Results the client got, as `key kind`. */
  results(): string[] {
    return this.#results().map(({ key, kind }) => `${key} ${kind}`);
  }

  failure(key: number): Error {
    const [bytes] = this.#results().find((result) => result.key === key && result.kind === 'failure')?.parts ?? [];
    return bytes === undefined ? new Error(`task ${key} has not failed`) : decodeError(bytes);
  }

  #results(): PilotResult[] {
    return this.toClient.flatMap((message) => (message.kind === 'results' ? [...message.results] : []));
  }

  told<K extends InterchangeMessage['kind']>(kind: K): Extract<InterchangeMessage, { kind: K }>[] {
    return this.toClient.filter(
      (message): message is Extract<InterchangeMessage, { kind: K }> => message.kind === kind,
    );
  }
}
