import { join } from 'node:path';
import type { SluiceError } from '../../errors.js';
import type { BlockInfo } from '../../scaling/block.js';
import { type BlockSupervisor, createBlockSupervisor } from '../../scaling/block-supervisor.js';
import { SYSTEM_CLOCK } from '../../scaling/clock.js';
import { VERSION } from '../../version.js';
import type { Outcome } from '../../wire/outcome.js';
import { parseCommand } from '../../wire/pilot/message-codec.js';
import type { InterchangeMessage, ManagerInfo, Target } from '../../wire/pilot/messages.js';
import type { PilotConfig } from '../../wire/pilot/pilot-config.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type {
  Abortable,
  DispatchedAttempt,
  Executor,
  ExecutorCapabilities,
  ExecutorLoad,
  RunContext,
} from '../executor.js';
import { notRunning, startedBefore } from '../life-errors.js';
import { NEVER_RAN } from '../never-ran.js';
import { submitByDispatch } from '../submit-by-dispatch.js';
import { AttemptTable } from './attempt-table.js';
import type { Carriage } from './carriage.js';
import { type ConfigFiles, createConfigFiles } from './config-files.js';
import { Fit } from './fit.js';
import {
  type HighThroughputOptions,
  type ManagerSelection,
  type ResolvedHtexOptions,
  resolveHtexOptions,
} from './htex-options.js';
import { InterchangeClient } from './interchange-client.js';
import { openCarriage } from './open-carriage.js';
import { pilotJob } from './pilot-job.js';
import { drainBeforeEndMs, type PilotRun, planPilotRun } from './pilot-run.js';
import { Replies } from './replies.js';
import { Whereabouts } from './whereabouts.js';

/** What a started executor has. */
interface Started {
  readonly client: InterchangeClient;
  readonly attempts: AttemptTable;
  readonly supervisor: BlockSupervisor;
  readonly replies: Replies;
  readonly carriage: Carriage;
  readonly files: ConfigFiles | undefined;
}

/** An executor seen from outside: for `sluice htex status`, and for whoever wants to know. */
export interface HtexStatus {
  readonly outstanding: number;
  readonly managers: readonly ManagerInfo[];
  readonly blocks: readonly BlockInfo[];
}

/**
 * Pilot jobs: blocks of nodes come from a provider, a manager on each node runs workers, a process each, and tasks reach
 * them through an interchange, a process of its own beside the client. All of it ends with the client, after
 * `heartbeatThresholdMs` at the latest.
 *
 * A worker that dies (crash, exit, memory, endless loop past its walltime) costs its task and nothing else; a manager's
 * tasks become `WORKER_LOST`, which the kernel repeats elsewhere; the end of the interchange is survived.
 */
export class HighThroughputExecutor implements Executor {
  readonly label: string;
  readonly capabilities: ExecutorCapabilities;
  readonly #options: ResolvedHtexOptions;
  readonly #mpi: PilotConfig['mpi'];
  readonly #fit: Fit;
  #started: Started | undefined;
  #phase: 'new' | 'open' | 'closing' = 'new';
  #managers: readonly ManagerInfo[] = [];
  /** Managers an interchange had when it crashed: they will come to the next one. */
  #known: readonly string[] = [];
  #lost: SluiceError | undefined;
  #whenIdle: (() => void) | undefined;

  /**
   * @param mpi for {@link MpiExecutor}: blocks are given to tasks by nodes
   * @throws {SluiceError} `INVALID_OPTIONS`
   */
  constructor(options: HighThroughputOptions, mpi?: PilotConfig['mpi']) {
    this.#options = resolveHtexOptions(options);
    this.#mpi = mpi;
    const { label, provider } = this.#options;
    const { sharesFilesystem } = provider;
    this.label = label;
    this.capabilities = {
      sharesProject: sharesFilesystem,
      sharesFilesystem,
      isolation: 'process',
      cancelRunning: true,
      resources: ['cores', 'memoryMiB', 'accelerators'],
    };
    this.#fit = new Fit(label, provider, drainBeforeEndMs(this.#options));
  }

  /**
   * @throws {SluiceError} `ADDRESS_IN_USE`, `INTERCHANGE_LOST` when it does not come up, `NOT_FOUND` and `ACCESS_DENIED` for
   *   the bucket, or what the provider's start says
   */
  async start(run: RunContext): Promise<void> {
    if (this.#phase !== 'new') throw startedBefore(this.label, 'HighThroughputExecutor');
    this.#phase = 'open';
    const { provider, interchangeCommand: command, maxMessageBytes, managerSelection } = this.#options;
    const carriage = await openCarriage(this.#options, run);
    await provider.start({ runId: run.runId, runDir: run.runDir, label: this.label });
    const plan = await planPilotRun(this.#options, run, { valuesUrl: carriage.url, mpi: this.#mpi });
    const client = new InterchangeClient({
      config: plan.interchange,
      security: plan.security,
      command,
      logPath: join(run.runDir, `interchange-${this.label}.log`),
      onMessage: (message) => this.#onMessage(message),
      onFresh: () => this.#introduce(plan),
      onCrash: (how) => this.#onCrash(how),
      onLost: (error) => this.#fail(error),
    });
    const send = client.send.bind(client);
    const attempts = new AttemptTable({
      send,
      carriage,
      whereabouts: choosesByData(managerSelection) ? new Whereabouts(carriage.url) : undefined,
      maxMessageBytes,
      onIdle: () => this.#whenIdle?.(),
    });
    const files = provider.sharesFilesystem ? createConfigFiles(join(run.runDir, 'pilots', this.label)) : undefined;
    const supervisor = this.#supervise(plan, { client, attempts, files });
    this.#started = { client, attempts, supervisor, carriage, files, replies: new Replies(send) };
    await client.start().catch(async (error) => {
      await provider.close();
      throw error;
    });
    supervisor.start();
  }

  submit(envelope: TaskEnvelope, { signal }: { readonly signal: AbortSignal }): Promise<Outcome> {
    return submitByDispatch(this.dispatch.bind(this), envelope, signal);
  }

  dispatch(dispatched: DispatchedAttempt): Abortable {
    const started = this.#started;
    if (started === undefined || this.#phase !== 'open' || this.#lost !== undefined) {
      dispatched.onFailure(this.#lost ?? notRunning(this.label));
      return NEVER_RAN;
    }
    const envelope = dispatched.envelope();
    let slots: number;
    try {
      started.carriage.check(envelope);
      slots = this.#fit.slotsOf(envelope);
    } catch (error) {
      dispatched.onFailure(error);
      return NEVER_RAN;
    }
    const attempt = started.attempts.dispatch(envelope, dispatched, slots);
    started.supervisor.poke();
    return attempt;
  }

  load(): ExecutorLoad {
    const slots = this.#managers.reduce((sum, manager) => sum + manager.slots, 0);
    const { maxBlocks, nodesPerBlock } = this.#options.provider;
    // Before the first node has come: it may run tasks, and does not know yet how many.
    return { outstanding: this.#started?.attempts.size ?? 0, capacity: slots || maxBlocks * nodesPerBlock };
  }

  /** Managers that are connected, as the interchange sees them now. */
  async managers(): Promise<readonly ManagerInfo[]> {
    const managers = await this.#running().replies.ask({ name: 'managers' });
    this.#see(managers);
    return managers;
  }

  /** Blocks of this run, those that have ended too. */
  blocks(): readonly BlockInfo[] {
    return this.#started?.supervisor.blocks() ?? [];
  }

  /** Managers of the target get no more tasks, until {@link release}. Resolves with those it was for. */
  async hold(target: Target): Promise<readonly ManagerInfo[]> {
    return this.#running().replies.ask({ name: 'hold', target });
  }

  async release(target: Target): Promise<readonly ManagerInfo[]> {
    return this.#running().replies.ask({ name: 'release', target });
  }

  /** Managers of the target get no more tasks, and end once they have none. */
  async drain(target: Target): Promise<readonly ManagerInfo[]> {
    return this.#running().replies.ask({ name: 'drain', target });
  }

  /** Starts blocks beyond what the strategy wants, within the provider's maximum; resolves with their ids. */
  async scaleOut(count: number): Promise<readonly string[]> {
    return this.#running().supervisor.scaleOut(count);
  }

  /** Drains blocks and gives them back. */
  async scaleIn(blockIds: readonly string[]): Promise<void> {
    return this.#running().supervisor.scaleIn(blockIds);
  }

  /** `sluice htex` speaks to this: `{ name: 'hold', target: { block: 'block-0' } }`. */
  async instruct(instruction: object): Promise<object> {
    return { managers: await this.#running().replies.ask(parseCommand(instruction)) };
  }

  /** What this executor has at the moment, as far as it was told; nothing is asked. */
  inspect(): HtexStatus {
    return {
      outstanding: this.#started?.attempts.size ?? 0,
      managers: this.#managers,
      blocks: this.blocks(),
    };
  }

  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const started = this.#started;
    if (started === undefined || this.#phase === 'closing') return;
    this.#phase = 'closing';
    const { client, attempts, supervisor, carriage, files } = started;
    await this.#idleWithin(graceMs, attempts);
    attempts.failAll(notRunning(this.label));
    // Managers end by themselves once they are told; what does not is cancelled.
    await client.close(END_MS);
    try {
      await supervisor.close({ graceMs: END_MS });
    } finally {
      await this.#options.provider.close();
      files?.close();
      await carriage.close();
    }
  }

  #supervise(
    plan: PilotRun,
    { client, attempts, files }: Pick<Started, 'client' | 'attempts' | 'files'>,
  ): BlockSupervisor {
    const {
      provider,
      strategy,
      blockErrorHandler,
      strategyPeriodMs,
      maxIdleMs,
      connectTimeoutMs,
      maxWorkersPerNode,
      submitLimits,
      submitBreaker,
      pilotCommand: command,
    } = this.#options;
    return createBlockSupervisor({
      provider,
      strategy,
      errorHandler: blockErrorHandler,
      jobFor: (blockId) => pilotJob(plan.pilot(blockId, client.port), { command, files }),
      outstandingSlots: () => attempts.slots,
      managers: () => this.#managers,
      drain: (blockId) => void this.drain({ block: blockId }).catch(() => {}),
      onFailed: (error) => this.#onBlocksFailed(error),
      onBlock: ({ blockId, state }) => {
        if (state.kind === 'ended') files?.remove(blockId);
      },
      strategyPeriodMs,
      maxIdleMs,
      connectDeadlineMs: connectTimeoutMs * 2,
      clock: SYSTEM_CLOCK,
      ...(maxWorkersPerNode !== undefined && { slotsPerNode: maxWorkersPerNode }),
      ...(submitLimits !== undefined && { submitLimits }),
      ...(submitBreaker !== undefined && { breaker: submitBreaker }),
    });
  }

  #introduce(plan: PilotRun): void {
    const { client, attempts } = this.#running();
    client.send({ kind: 'hello', sluice: VERSION, token: plan.interchange.token, known: this.#known });
    attempts.introduce();
  }

  #onMessage(message: InterchangeMessage): void {
    const { attempts, supervisor, replies } = this.#running();
    switch (message.kind) {
      case 'results':
        attempts.settle(message.results);
        supervisor.poke();
        return;
      case 'managers':
        this.#see(message.managers);
        return;
      case 'reply':
        replies.settle(message.id, message.managers);
        return;
      case 'managerRefused':
        process.emitWarning(
          `executor '${this.label}' refused a manager on ${message.host} (${message.blockId}): ${message.reason}`,
          'SluiceWarning',
        );
        return;
      case 'managerLost':
      case 'welcome':
        return;
    }
  }

  #see(managers: readonly ManagerInfo[]): void {
    this.#managers = managers;
    this.#fit.see(managers);
    this.#started?.supervisor.poke();
  }

  #onCrash(how: string): void {
    this.#known = this.#managers.map(({ id }) => id);
    process.emitWarning(
      `the interchange of executor '${this.label}' ended with ${how}; another one takes over`,
      'SluiceWarning',
    );
  }

  // Where some block works, tasks have somewhere to go.
  #onBlocksFailed(error: SluiceError): void {
    if (this.#managers.length === 0) this.#running().attempts.failAll(error);
  }

  #fail(error: SluiceError): void {
    this.#lost = error;
    this.#started?.attempts.failAll(error);
  }

  async #idleWithin(graceMs: number, attempts: AttemptTable): Promise<void> {
    if (attempts.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
  }

  #running(): Started {
    if (this.#started === undefined) throw notRunning(this.label);
    return this.#started;
  }
}

/** Whether what managers have matters for the choice: a selector of the user's may look at it. */
function choosesByData(selection: ManagerSelection): boolean {
  return selection === 'near' || typeof selection === 'object';
}

/** Time that interchange and blocks get to end by themselves. */
const END_MS = 5_000;
