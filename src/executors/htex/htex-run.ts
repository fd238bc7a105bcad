import { join } from 'node:path';
import { accessFor, PROCESS_RING } from '../../data/peers/peer-access.js';
import type { SluiceError } from '../../errors.js';
import type { BlockSupervisor } from '../../scaling/block-supervisor.js';
import { VERSION } from '../../version.js';
import type { Command, InterchangeMessage, ManagerInfo } from '../../wire/pilot/messages.js';
import type { PilotConfig } from '../../wire/pilot/pilot-config.js';
import type { Abortable, DispatchedAttempt, RunContext } from '../executor.js';
import { notRunning } from '../life-errors.js';
import { NEVER_RAN } from '../never-ran.js';
import { AttemptTable } from './attempt-table.js';
import type { Carriage } from './carriage.js';
import { type ConfigFiles, createConfigFiles } from './config-files.js';
import { Fit } from './fit.js';
import type { ManagerSelection, ResolvedHtexOptions } from './htex-options.js';
import { InterchangeClient } from './interchange-client.js';
import { KeptDrops } from './kept-drops.js';
import { openCarriage } from './open-carriage.js';
import { drainBeforeEndMs, type PilotRun, planPilotRun } from './pilot-run.js';
import { Replies } from './replies.js';
import { superviseBlocks } from './supervise-blocks.js';
import { Whereabouts } from './whereabouts.js';

/**
 * Starts an executor's run: its interchange, and the blocks that it begins with.
 *
 * @throws {SluiceError} `ADDRESS_IN_USE`, `INTERCHANGE_LOST`, what the bucket or the provider says; nothing is left then
 */
export async function startHtexRun(
  options: ResolvedHtexOptions,
  context: RunContext,
  mpi: PilotConfig['mpi'],
): Promise<HtexRun> {
  const { provider, label } = options;
  const carriage = await openCarriage(options, context);
  await provider.start({ runId: context.runId, runDir: context.runDir, label });
  const plan = await planPilotRun(options, context, { valuesUrl: carriage.url, mpi });
  const run = new HtexRun(options, { plan, carriage, runDir: context.runDir });
  await run.start().catch(async (error) => {
    await provider.close();
    throw error;
  });
  return run;
}

interface RunParts {
  readonly plan: PilotRun;
  readonly carriage: Carriage;
  readonly runDir: string;
}

/** The run of an executor: its interchange, its attempts and its blocks, and what it has heard of managers. */
export class HtexRun {
  readonly #options: ResolvedHtexOptions;
  readonly #plan: PilotRun;
  readonly #carriage: Carriage;
  readonly #fit: Fit;
  readonly #client: InterchangeClient;
  readonly #attempts: AttemptTable;
  readonly #replies: Replies;
  readonly #drops: KeptDrops;
  readonly #whereabouts: Whereabouts | undefined;
  readonly #files: ConfigFiles | undefined;
  readonly #supervisor: BlockSupervisor;
  #managers: readonly ManagerInfo[] = [];
  /** Managers an interchange had when it crashed: they will come to the next one. */
  #known: readonly string[] = [];
  #lost: SluiceError | undefined;
  #whenIdle: (() => void) | undefined;
  #leaveRing: () => void = () => {};

  constructor(options: ResolvedHtexOptions, { plan, carriage, runDir }: RunParts) {
    const { label, provider, maxMessageBytes, managerSelection } = options;
    this.#options = options;
    this.#plan = plan;
    this.#carriage = carriage;
    this.#fit = new Fit(label, provider, drainBeforeEndMs(options));
    this.#client = this.#createClient(join(runDir, `interchange-${label}.log`));
    const send = this.#client.send.bind(this.#client);
    this.#replies = new Replies(send);
    this.#drops = new KeptDrops(send);
    const choosesNear = choosesByData(managerSelection);
    const servesCached = plan.peers?.perSource !== undefined;
    this.#whereabouts = choosesNear || servesCached ? new Whereabouts(carriage.url) : undefined;
    this.#attempts = new AttemptTable({
      send,
      carriage,
      whereabouts: this.#whereabouts,
      choosesNear,
      maxMessageBytes,
      onIdle: () => this.#whenIdle?.(),
    });
    this.#files = provider.sharesFilesystem ? createConfigFiles(join(runDir, 'pilots', label)) : undefined;
    this.#supervisor = this.#supervise();
  }

  /** Attempts that are not over. */
  get outstanding(): number {
    return this.#attempts.size;
  }

  /** Managers that are connected, as it was told last. */
  get managers(): readonly ManagerInfo[] {
    return this.#managers;
  }

  get supervisor(): BlockSupervisor {
    return this.#supervisor;
  }

  async start(): Promise<void> {
    await this.#client.start();
    const { key } = this.#plan.peers ?? {};
    if (key !== undefined) this.#leaveRing = PROCESS_RING.join(accessFor(key, 'client'));
    this.#supervisor.start();
  }

  dispatch(dispatched: DispatchedAttempt): Abortable {
    if (this.#lost !== undefined) {
      dispatched.onFailure(this.#lost);
      return NEVER_RAN;
    }
    const envelope = dispatched.envelope();
    let slots: number;
    try {
      this.#carriage.check(envelope);
      slots = this.#fit.slotsOf(envelope);
    } catch (error) {
      dispatched.onFailure(error);
      return NEVER_RAN;
    }
    const attempt = this.#attempts.dispatch(envelope, dispatched, slots);
    this.#supervisor.poke();
    return attempt;
  }

  /** Resolves with the managers the command was for. Rejects with `INTERCHANGE_LOST` when there is no answer in time. */
  async ask(command: Command): Promise<readonly ManagerInfo[]> {
    const managers = await this.#replies.ask(command);
    if (command.name === 'managers') this.#see(managers);
    return managers;
  }

  /** Nobody needs these kept files any more. */
  dropTemporary(urls: readonly string[]): void {
    this.#drops.add(urls);
  }

  /** Lets attempts finish for `graceMs` milliseconds, then ends all, and removes what the run has left. */
  async close(graceMs: number): Promise<void> {
    await this.#idleWithin(graceMs);
    this.#attempts.failAll(notRunning(this.#options.label));
    this.#drops.close();
    this.#leaveRing();
    this.#supervisor.leave();
    // Managers end by themselves once they are told; what does not is cancelled.
    await this.#client.close(END_MS);
    try {
      await this.#supervisor.close({ graceMs: END_MS });
    } finally {
      await this.#options.provider.close();
      this.#files?.close();
      await this.#carriage.close();
    }
  }

  #createClient(logPath: string): InterchangeClient {
    return new InterchangeClient({
      config: this.#plan.interchange,
      security: this.#plan.security,
      command: this.#options.interchangeCommand,
      logPath,
      onMessage: (message) => this.#onMessage(message),
      onFresh: () => this.#introduce(),
      onCrash: (how) => this.#onCrash(how),
      onLost: (error) => this.#fail(error),
    });
  }

  #supervise(): BlockSupervisor {
    return superviseBlocks(this.#options, {
      configFor: (blockId) => this.#plan.pilot(blockId, this.#client.port),
      files: this.#files,
      outstandingSlots: () => this.#attempts.slots,
      managers: () => this.#managers,
      drain: (block) => void this.ask({ name: 'drain', target: { block } }).catch(() => {}),
      onFailed: (error) => this.#onBlocksFailed(error),
    });
  }

  #introduce(): void {
    this.#client.send({ kind: 'hello', sluice: VERSION, token: this.#plan.interchange.token, known: this.#known });
    this.#attempts.introduce();
  }

  #onMessage(message: InterchangeMessage): void {
    switch (message.kind) {
      case 'results':
        this.#attempts.settle(message.results);
        this.#supervisor.poke();
        return;
      case 'managers':
        this.#see(message.managers);
        return;
      case 'reply':
        this.#replies.settle(message.id, message.managers);
        return;
      case 'managerRefused':
        this.#warn(`refused a manager on ${message.host} (${message.blockId}): ${message.reason}`);
        return;
      case 'managerLost':
      case 'welcome':
        return;
    }
  }

  #see(managers: readonly ManagerInfo[]): void {
    this.#managers = managers;
    this.#fit.see(managers);
    this.#whereabouts?.see(managers);
    this.#carriage.serve(managers.reduce((sum, { slots }) => sum + slots, 0));
    this.#supervisor.poke();
  }

  #onCrash(how: string): void {
    this.#known = this.#managers.map(({ id }) => id);
    process.emitWarning(
      `the interchange of executor '${this.#options.label}' ended with ${how}; another one takes over`,
      'SluiceWarning',
    );
  }

  #warn(text: string): void {
    process.emitWarning(`executor '${this.#options.label}' ${text}`, 'SluiceWarning');
  }

  // Where some block works, tasks have somewhere to go.
  #onBlocksFailed(error: SluiceError): void {
    if (this.#managers.length === 0) this.#attempts.failAll(error);
  }

  #fail(error: SluiceError): void {
    this.#lost = error;
    this.#attempts.failAll(error);
  }

  async #idleWithin(graceMs: number): Promise<void> {
    if (this.#attempts.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
  }
}

/** Whether what managers have matters for the choice: a selector of the user's may look at it. */
function choosesByData(selection: ManagerSelection): boolean {
  return selection === 'near' || typeof selection === 'object';
}

/** Time that interchange and blocks get to end by themselves. */
const END_MS = 5_000;
