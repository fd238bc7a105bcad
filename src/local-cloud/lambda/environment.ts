import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { ProcessWatcher } from '../../run/process-watcher.js';
import type { InvocationFault } from '../faults/fault.js';
import { type EnvironmentPlace, environmentVariables } from './environment-variables.js';
import type { FunctionRecord } from './function-record.js';
import type { GroupReaper } from './group-reaper.js';
import type { EnvironmentEnd } from './invocation-failure.js';
import { InvocationLog } from './invocation-log.js';
import {
  type InvocationEnd,
  type InvocationRequest,
  type InvocationResult,
  payloadOf,
  reportStatusOf,
} from './invocation-outcome.js';
import { LambdaError } from './lambda-error.js';
import { type RuntimeAnswer, type RuntimeApi, startRuntimeApi } from './runtime-api.js';
import { type RuntimeProcess, startRuntimeProcess } from './runtime-process.js';
import type { StartGate } from './start-gate.js';

/** What every environment of one local-cloud shares. */
export interface EnvironmentHost extends Pick<EnvironmentPlace, 'region' | 'credentials'> {
  /** Path of the runtime's main. */
  readonly runtime: string;
  readonly watcher: ProcessWatcher;
  readonly reaper: GroupReaper;
  readonly startGate: StartGate;
  /** Folder below which environments have theirs. */
  readonly workFolder: string;
  /** The variables by which SDKs find local-cloud, once it listens. */
  cloudVariables(): Readonly<Record<string, string>>;
  /** Folder with the function's unpacked code. */
  taskRoot(record: FunctionRecord): Promise<string>;
}

type Settled = InvocationEnd | { readonly kind: 'undelivered' };

interface Running {
  readonly request: InvocationRequest;
  /** When the function saw it; until then, when it was asked for. */
  startedAtMs: number;
  taken: boolean;
  /** Ends the environment; absent until there is a process. */
  timer: NodeJS.Timeout | undefined;
  readonly fault: InvocationFault | undefined;
  readonly settle: (settled: Settled) => void;
  readonly reject: (error: Error) => void;
}

// AWS Lambda Developer Guide, "Lambda execution environment lifecycle": the init phase has ten seconds. Here an init
// that takes longer may go on for as long as the function's time limit.
const INIT_LIMIT_MS = 10_000;

/** One execution environment: a process, its Runtime API and its `/tmp`. Runs one invocation at a time. */
export class Environment {
  readonly id: string = randomUUID().replaceAll('-', '');
  readonly record: FunctionRecord;
  /** Settles once the process and its folder are gone. Never rejects. */
  readonly ended: Promise<void>;
  readonly #host: EnvironmentHost;
  readonly #folder: string;
  readonly #log = new InvocationLog();
  readonly #closing = new AbortController();
  readonly #initDelayMs: number;
  #alive = true;
  #initMs: number | undefined;
  #used = false;
  #leaveStartGate: () => void = () => undefined;
  #api: RuntimeApi | undefined;
  #process: RuntimeProcess | undefined;
  #running: Running | undefined;
  #onGone: () => void = () => undefined;

  /**
   * Starts at once, without being waited for; a start that fails fails the first invocation. Its init takes
   * `initDelayMs` longer than it would.
   */
  constructor(host: EnvironmentHost, record: FunctionRecord, { initDelayMs }: { readonly initDelayMs: number }) {
    this.#host = host;
    this.record = record;
    this.#initDelayMs = initDelayMs;
    this.#folder = join(host.workFolder, this.id);
    this.ended = new Promise((resolve) => {
      this.#onGone = resolve;
    });
    void this.#start().catch((error: unknown) => this.#onProcessEnd(ABSENT, error));
  }

  /** False once the process has ended or was told to. */
  get alive(): boolean {
    return this.#alive && this.#process?.ending === undefined;
  }

  /**
   * Runs the function once; its failures are results too. `undefined` when the environment ended before the function
   * saw the invocation: it can run in another one.
   *
   * @throws {LambdaError} `ServiceException` when the process could not be started.
   */
  async invoke(request: InvocationRequest, fault?: InvocationFault): Promise<InvocationResult | undefined> {
    if (!this.alive) return undefined;
    const timer = this.#process && this.#endAfter(INIT_LIMIT_MS + this.#timeoutMs);
    try {
      this.#process?.watchMemory();
      const settled = await new Promise<Settled>((settle, reject) => {
        this.#running = { request, startedAtMs: performance.now(), taken: false, timer, fault, settle, reject };
        this.#offer();
      });
      const durationMs = performance.now() - (this.#running?.startedAtMs ?? 0);
      clearTimeout(this.#running?.timer);
      this.#process?.restWatching();
      await this.#readOutput();
      if (settled.kind === 'undelivered') return undefined;
      return this.#result(request.requestId, this.#killedForMemory() ?? settled, durationMs);
    } finally {
      clearTimeout(this.#running?.timer);
      this.#running = undefined;
    }
  }

  /** Kills the process and everything it started; resolves when the folder is removed too. */
  close(): Promise<void> {
    this.#alive = false;
    this.#closing.abort();
    this.#process?.end(ABSENT);
    return this.ended;
  }

  get #timeoutMs(): number {
    return this.record.settings.timeoutSeconds * 1000;
  }

  async #start(): Promise<void> {
    const taskRoot = await this.#host.taskRoot(this.record);
    if (this.#initDelayMs > 0) await this.#delayInit();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#leaveStartGate = await this.#host.startGate.enter();
    if (!this.#alive) return this.#onProcessEnd(ABSENT);
    const startedAtMs = performance.now();
    const api = await startRuntimeApi({
      onReady: () => {
        this.#leaveStartGate();
        this.#initMs = this.#initDelayMs + performance.now() - startedAtMs;
      },
      onInitError: (body) => {
        this.#alive = false;
        this.#running?.settle({ kind: 'initError', body });
      },
      onTaken: () => this.#onTaken(),
      onAnswer: (answer) => this.#onAnswer(answer),
    });
    this.#api = api;
    if (!this.#alive) return this.#onProcessEnd(ABSENT);
    this.#process = this.#startProcess(taskRoot, api.address);
    if (this.#running !== undefined) this.#running.timer = this.#endAfter(INIT_LIMIT_MS + this.#timeoutMs);
    this.#process.watchMemory();
    this.#offer();
  }

  #startProcess(taskRoot: string, runtimeApi: string): RuntimeProcess {
    const { region, credentials, runtime, watcher, reaper } = this.#host;
    const place = {
      environmentId: this.id,
      taskRoot,
      tmpFolder: this.#folder,
      runtimeApi,
      region,
      cloudVariables: this.#host.cloudVariables(),
      credentials,
    };
    return startRuntimeProcess({
      main: runtime,
      variables: environmentVariables(this.record, place),
      cwd: taskRoot,
      memoryMb: this.record.settings.memoryMb,
      watcher,
      reaper,
      onOutput: (chunk) => this.#log.write(chunk),
      onEnd: (end, error) => this.#onProcessEnd(end, error),
    });
  }

  /** Called when an invocation arrives and when the process has been started: the later of the two hands it over. */
  #offer(): void {
    if (this.#running === undefined || this.#process === undefined) return;
    this.#api?.offer({ ...this.#running.request, traceId: newTraceId(), timeoutMs: this.#timeoutMs });
  }

  #onTaken(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#log.start(running.request.requestId);
    running.taken = true;
    running.startedAtMs = performance.now();
    clearTimeout(running.timer);
    running.timer = this.#endAfter(this.#timeoutMs);
    const end = endOf(running.fault);
    if (end === undefined) return;
    const early = setTimeout(() => this.#endAs(end.as), end.afterMs);
    void this.ended.then(() => clearTimeout(early));
  }

  /** An environment that is to be killed under this invocation is so before it answers, however fast it was. */
  #onAnswer(answer: RuntimeAnswer): void {
    const end = endOf(this.#running?.fault);
    if (end === undefined) this.#running?.settle(answer);
    else this.#endAs(end.as);
  }

  #endAs(end: EnvironmentEnd): void {
    this.#alive = false;
    this.#process?.end(end);
  }

  async #delayInit(): Promise<void> {
    await sleep(this.#initDelayMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  #endAfter(ms: number): NodeJS.Timeout {
    const { timeoutSeconds } = this.record.settings;
    return setTimeout(() => this.#endAs({ kind: 'timeout', timeoutSeconds }), ms);
  }

  #onProcessEnd(end: EnvironmentEnd, error?: unknown): void {
    this.#alive = false;
    this.#leaveStartGate();
    const running = this.#running;
    if (error !== undefined) {
      running?.reject(new LambdaError('ServiceException', `the function could not be started: ${String(error)}`));
    } else if (this.#used && running?.taken === false && end.kind !== 'timeout') {
      running.settle({ kind: 'undelivered' });
    } else {
      running?.settle({ kind: 'ended', end });
    }
    void this.#cleanUp();
  }

  /** Lambda lets nobody answer who had more memory than the function has; here, looks may come after the answer. */
  #killedForMemory(): InvocationEnd | undefined {
    const end = this.#process?.ending;
    return end?.kind === 'memory' ? { kind: 'ended', end } : undefined;
  }

  async #cleanUp(): Promise<void> {
    await this.#api?.close().catch(() => undefined);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    this.#onGone();
  }

  /** What the function wrote before it answered is in the pipes by now; two turns of the event loop read it. */
  async #readOutput(): Promise<void> {
    await nextTurn();
    await nextTurn();
  }

  #result(requestId: string, end: InvocationEnd, durationMs: number): InvocationResult {
    const payload = payloadOf(requestId, end);
    if (end.kind === 'ended') this.#log.write(`${payload.toString()}\n`);
    this.#log.report({
      requestId,
      durationMs,
      initMs: this.#used ? undefined : this.#initMs,
      memoryMb: this.record.settings.memoryMb,
      maxMemoryMb: this.#process?.peakMemoryMb() ?? 0,
      status: reportStatusOf(end),
    });
    this.#used = true;
    const logTail = this.#log.tail();
    this.#log.clear();
    return { payload, failed: end.kind !== 'response', logTail };
  }
}

/** The end of an environment that local-cloud itself stops, or never got started. */
const ABSENT: EnvironmentEnd = { kind: 'exit', code: null, signal: 'SIGKILL' };

/** How and when a fault ends the environment under its invocation. */
function endOf(fault: InvocationFault | undefined): { as: EnvironmentEnd; afterMs: number } | undefined {
  if (fault?.kind === 'killEnvironment') return { as: ABSENT, afterMs: fault.afterMs ?? 0 };
  if (fault?.kind === 'outOfMemory') return { as: { kind: 'memory' }, afterMs: fault.afterMs ?? 0 };
  return undefined;
}

/** AWS X-Ray Developer Guide, "Tracing header". */
function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  // Node keeps random bytes in stock for UUIDs alone: they cost a tenth of fresh ones.
  const [root, parent] = [randomUUID().replaceAll('-', ''), randomUUID().replaceAll('-', '')];
  return `Root=1-${seconds}-${root.slice(0, 24)};Parent=${parent.slice(0, 16)};Sampled=0`;
}
