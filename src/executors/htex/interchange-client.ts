import { messageOf, SluiceError } from '../../errors.js';
import type { InterchangeConfig } from '../../interchange/interchange-config.js';
import { openPilotLink, type PilotLink } from '../../transport/pilot-link.js';
import type { ClientSecurity } from '../../transport/transport.js';
import { encodeMessage, parseInterchangeMessage } from '../../wire/pilot/message-codec.js';
import type { ClientMessage, InterchangeMessage } from '../../wire/pilot/messages.js';
import { type InterchangeProcess, startInterchange } from './interchange-process.js';

export interface InterchangeClientOptions {
  readonly config: InterchangeConfig;
  readonly security: ClientSecurity | undefined;
  /** Program and arguments; absent for the package's own interchange. */
  readonly command: readonly string[] | undefined;
  readonly logPath: string;
  /** Each message, once and in order. */
  readonly onMessage: (message: InterchangeMessage) => void;
  /** An interchange that knows nothing is there, the first or another one: tell it everything. */
  readonly onFresh: () => void;
  /** The interchange ended without being told to; another one is being started, unless this happens too often. */
  readonly onCrash: (how: string) => void;
  /** It is gone for good. */
  readonly onLost: (error: SluiceError) => void;
}

/** More crashes than these in such a time mean that starting another one will not help. */
const MOST_CRASHES = 3;
const CRASH_WINDOW_MS = 60_000;
const CONNECT_MS = 10_000;
/** The child's end is seen at once: silence alone only says that one of the two is busy. */
const LONGEST_SILENCE_MS = 10 * 60_000;

/**
 * The client's side of its interchange. One that crashes is replaced, on the same port and with the same keys: managers
 * come to the new one by themselves, and tasks that run meanwhile finish.
 */
export class InterchangeClient {
  readonly #options: InterchangeClientOptions;
  readonly #crashesAtMs: number[] = [];
  #interchange: InterchangeProcess | undefined;
  #link: PilotLink | undefined;
  /** Said before there was anybody to say it to. */
  readonly #early: ClientMessage[] = [];
  #hasMet = false;
  #isClosing = false;

  constructor(options: InterchangeClientOptions) {
    this.#options = options;
  }

  /** Where managers connect to, once it has been started. */
  get port(): number {
    return this.#interchange?.port ?? 0;
  }

  /** @throws {SluiceError} `ADDRESS_IN_USE`, `INTERCHANGE_LOST` when it does not come up */
  async start(): Promise<void> {
    const { config, security } = this.#options;
    this.#interchange = await startInterchange(config, this.#options);
    try {
      this.#link = await openPilotLink({
        addresses: [config.local ?? `tcp://127.0.0.1:${this.port}`],
        connectTimeoutMs: CONNECT_MS,
        id: 'client',
        ...(security !== undefined && { security }),
        heartbeatMs: config.heartbeatMs,
        heartbeatThresholdMs: LONGEST_SILENCE_MS,
        maxMessageBytes: config.maxMessageBytes,
        onMessage: (frames) => this.#options.onMessage(parseInterchangeMessage(frames)),
        onPeer: () => this.#meet(),
        onLost: this.#options.onLost,
      });
    } catch (error) {
      this.#isClosing = true;
      await this.#interchange.end(0);
      throw error;
    }
    void this.#watch(this.#interchange);
  }

  send(message: ClientMessage): void {
    if (this.#hasMet) this.#link?.send(encodeMessage(message));
    // All that concerns tasks is part of the introduction.
    else if (message.kind === 'command') this.#early.push(message);
  }

  #meet(): void {
    this.#hasMet = true;
    this.#options.onFresh();
    for (const message of this.#early.splice(0)) this.send(message);
  }

  /** Tells everybody to end, and resolves when the interchange has: it gets `graceMs` for that. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.send({ kind: 'close' });
    await this.#interchange?.end(graceMs);
    await this.#link?.close();
  }

  async #watch(interchange: InterchangeProcess): Promise<void> {
    const how = await interchange.ended;
    if (this.#isClosing) return;
    this.#options.onCrash(how);
    const nowMs = performance.now();
    this.#crashesAtMs.push(nowMs);
    const recent = this.#crashesAtMs.filter((atMs) => nowMs - atMs < CRASH_WINDOW_MS).length;
    if (recent > MOST_CRASHES) return this.#lose(how, `${recent} times within a minute`);
    try {
      await this.#replace(interchange.port);
    } catch (error) {
      this.#lose(how, `and another one did not start: ${messageOf(error)}`);
    }
  }

  async #replace(port: number): Promise<void> {
    const config = { ...this.#options.config, ports: { from: port, to: port } };
    const next = await startInterchange(config, this.#options);
    this.#interchange = next;
    if (this.#isClosing) await next.end(0);
    else void this.#watch(next);
  }

  #lose(how: string, more: string): void {
    const text = `the interchange ended with ${how}, ${more}; its log: ${this.#options.logPath}`;
    this.#options.onLost(new SluiceError('INTERCHANGE_LOST', text));
  }
}
