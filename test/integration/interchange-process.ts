import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  encodeInterchangeConfig,
  type InterchangeConfig,
  parseInterchangeAnswer,
} from '../../src/interchange/interchange-config.js';
import { openPilotLink, type PilotLink, type PilotLinkOptions } from '../../src/transport/pilot-link.js';
import { VERSION } from '../../src/version.js';
import { encodeMessage, parseInterchangeMessage, parseManagerOrder } from '../../src/wire/pilot/message-codec.js';
import type {
  ClientMessage,
  InterchangeMessage,
  ManagerMessage,
  ManagerOrder,
  ManagerRegistration,
  PilotMessage,
} from '../../src/wire/pilot/messages.js';
import type { PilotResult, PilotTask } from '../../src/wire/pilot/pilot-task.js';
import { closing, Inbox, keysOfRun } from './transport-parts.js';

const MAIN = fileURLToPath(new URL('../../dist/interchange/main.js', import.meta.url));
export const TIMES = { heartbeatMs: 200, heartbeatThresholdMs: 1_500, maxMessageBytes: 16 * 1024 * 1024 };
export const KEYS: ReturnType<typeof keysOfRun> = keysOfRun();

/** A real interchange in a process of its own. */
export interface InterchangeProcess {
  readonly port: number;
  readonly child: ChildProcess;
  /** Resolves with the exit code once it has ended. */
  readonly exited: Promise<number | null>;
  /** As when the client has ended. */
  endStdin(): void;
}

export async function startInterchangeProcess(config: Partial<InterchangeConfig> = {}): Promise<InterchangeProcess> {
  const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  closing({
    close: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  });
  const line = new Promise<string>((resolve) => {
    const lines = createInterface({ input: child.stdout });
    lines.once('line', resolve);
    lines.once('close', () => resolve(''));
  });
  child.stdin.write(
    encodeInterchangeConfig({
      ...TIMES,
      host: '127.0.0.1',
      ports: { from: 0, to: 0 },
      security: KEYS.ofServer,
      token: 'secret',
      reclaimMs: 3_000,
      selector: 'most-free',
      ...config,
    }),
  );
  const { port } = parseInterchangeAnswer(await line);
  return { port, child, exited, endStdin: () => child.stdin.end() };
}

/** One side of the interchange: what it was told, and a way to speak. */
export class Party<Told> {
  readonly told = new Inbox<Told>();
  readonly link: PilotLink;

  constructor(link: PilotLink) {
    this.link = link;
  }

  say(message: PilotMessage): void {
    this.link.send(encodeMessage(message));
  }
}

async function join<Told>(
  port: number,
  id: string,
  parse: (frames: readonly Uint8Array[]) => Told,
  onMeet: (party: Party<Told>, dropped: readonly (readonly Uint8Array[])[]) => void,
  onTold: (party: Party<Told>, message: Told) => void = () => {},
  options: Partial<PilotLinkOptions> = {},
): Promise<Party<Told>> {
  const party: Party<Told> = new Party(
    closing(
      await openPilotLink({
        ...TIMES,
        addresses: [`tcp://127.0.0.1:${port}`],
        connectTimeoutMs: 10_000,
        id,
        security: KEYS.ofClient,
        // Longer than a process takes to start while others want the machine.
        heartbeatThresholdMs: 20_000,
        onMessage: (frames) => {
          const message = parse(frames);
          party.told.push(message);
          onTold(party, message);
        },
        onPeer: (dropped) => onMeet(party, dropped),
        onLost: () => {},
        ...options,
      }),
    ),
  );
  return party;
}

type ToldClient = InterchangeMessage | { readonly kind: 'who' };

/** Clients that are not listened to are spoken to like managers that have not registered. */
function parseAsClient(frames: readonly Uint8Array[]): ToldClient {
  try {
    return parseInterchangeMessage(frames);
  } catch {
    return parseManagerOrder(frames) as { readonly kind: 'who' };
  }
}

/** A client that says hello whenever it meets an interchange. */
export class FakeClient {
  readonly #party: Party<ToldClient>;

  constructor(party: Party<ToldClient>) {
    this.#party = party;
  }

  static async join(
    port: number,
    options: { readonly id?: string; readonly token?: string; readonly onMeet?: (client: FakeClient) => void } = {},
  ): Promise<FakeClient> {
    const { id = 'client', token = 'secret' } = options;
    let client: FakeClient | undefined;
    const party = await join<ToldClient>(port, id, parseAsClient, (its) => {
      client ??= new FakeClient(its);
      if (options.onMeet !== undefined) options.onMeet(client);
      else its.say({ kind: 'hello', sluice: VERSION, token, known: [] });
    });
    client ??= new FakeClient(party);
    if (options.token === undefined && options.id === undefined) await client.until('welcome');
    return client;
  }

  get told(): Inbox<ToldClient> {
    return this.#party.told;
  }

  say(message: ClientMessage): void {
    this.#party.say(message);
  }

  results(): PilotResult[] {
    return this.told.items.flatMap((message) => (message.kind === 'results' ? [...message.results] : []));
  }

  async reachResults(count: number): Promise<PilotResult[]> {
    await this.told.until(() => this.results().length >= count, `${count} results`);
    return this.results();
  }

  until(kind: InterchangeMessage['kind']): Promise<void> {
    return this.told.until((messages) => messages.some((message) => message.kind === kind), `a message '${kind}'`);
  }
}

/** A manager that registers when it meets an interchange, and keeps its tasks until a test ends them. */
export class FakeManager {
  readonly party: Party<ManagerOrder>;
  readonly held = new Map<number, PilotTask>();
  readonly #isEcho: boolean;

  constructor(party: Party<ManagerOrder>, isEcho: boolean) {
    this.party = party;
    this.#isEcho = isEcho;
  }

  static async join(
    port: number,
    fields: Partial<ManagerRegistration> & { readonly id: string },
    options: { readonly echo?: boolean; readonly link?: Partial<PilotLinkOptions> } = {},
  ): Promise<FakeManager> {
    let manager: FakeManager | undefined;
    const of = (party: Party<ManagerOrder>): FakeManager => {
      manager ??= new FakeManager(party, options.echo === true);
      return manager;
    };
    const party = await join<ManagerOrder>(
      port,
      fields.id,
      parseManagerOrder,
      (its) => of(its).say({ kind: 'register', manager: registration(fields, [...of(its).held.keys()]) }),
      (its, order) => of(its).#obey(order),
      options.link,
    );
    return of(party);
  }

  say(message: ManagerMessage): void {
    this.party.say(message);
  }

  keys(): number[] {
    return this.party.told.items.flatMap((order) => (order.kind === 'tasks' ? order.tasks.map(({ key }) => key) : []));
  }

  async reachTasks(count: number): Promise<number[]> {
    await this.party.told.until(() => this.keys().length >= count, `${count} tasks`);
    return this.keys();
  }

  until(kind: ManagerOrder['kind']): Promise<void> {
    return this.party.told.until((orders) => orders.some((order) => order.kind === kind), `an order '${kind}'`);
  }

  end(...keys: number[]): void {
    for (const key of keys) this.held.delete(key);
    this.say({
      kind: 'results',
      results: keys.map((key) => ({ key, kind: 'outcome', parts: [Buffer.from(`${key}`)] })),
    });
  }

  #obey(order: ManagerOrder): void {
    if (order.kind !== 'tasks') return;
    for (const task of order.tasks) this.held.set(task.key, task);
    if (this.#isEcho) this.end(...order.tasks.map(({ key }) => key));
  }
}

function registration(
  fields: Partial<ManagerRegistration> & { readonly id: string },
  holding: number[],
): ManagerRegistration {
  return {
    blockId: 'block-0',
    host: 'node1',
    pid: process.pid,
    sluice: VERSION,
    node: process.version,
    packages: {},
    slots: 2,
    share: { cores: 1, accelerators: 0 },
    prefetch: 0,
    cores: 2,
    memoryMiB: 1_000,
    accelerators: 0,
    holding,
    ...fields,
  };
}

export function taskOf(key: number, fields: Partial<PilotTask> = {}): PilotTask {
  return { key, priority: 0, needs: undefined, code: 1, parts: [Buffer.from(`task ${key}`)], ...fields };
}
