import type { StorageAccess } from '../../data/storage-access.js';
import type { BlockInfo } from '../../scaling/block.js';
import type { Outcome } from '../../wire/outcome.js';
import type { ManagerInfo, Target } from '../../wire/pilot/messages.js';
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
import { type HighThroughputOptions, type ResolvedHtexOptions, resolveHtexOptions } from './htex-options.js';
import type { HtexRun } from './htex-run.js';

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
  readonly storageAccess?: StorageAccess;
  readonly capabilities: ExecutorCapabilities;
  readonly #options: ResolvedHtexOptions;
  readonly #mpi: PilotConfig['mpi'];
  #run: HtexRun | undefined;
  #phase: 'new' | 'open' | 'closing' = 'new';

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
    const { storageAccess } = this.#options;
    if (storageAccess !== undefined) this.storageAccess = storageAccess;
    this.capabilities = {
      sharesProject: sharesFilesystem,
      sharesFilesystem,
      isolation: 'process',
      cancelRunning: true,
      resources: ['cores', 'memoryMiB', 'accelerators'],
    };
  }

  /**
   * @throws {SluiceError} `ADDRESS_IN_USE`, `INTERCHANGE_LOST` when it does not come up, `NOT_FOUND` and `ACCESS_DENIED` for
   *   the bucket, or what the provider's start says
   */
  async start(run: RunContext): Promise<void> {
    if (this.#phase !== 'new') throw startedBefore(this.label, 'HighThroughputExecutor');
    this.#phase = 'open';
    // Whoever imports 'sluice' for threads alone does not wait for what pilots need.
    const { startHtexRun } = await import('./htex-run.js');
    this.#run = await startHtexRun(this.#options, run, this.#mpi);
  }

  submit(envelope: TaskEnvelope, { signal }: { readonly signal: AbortSignal }): Promise<Outcome> {
    return submitByDispatch(this.dispatch.bind(this), envelope, signal);
  }

  dispatch(dispatched: DispatchedAttempt): Abortable {
    if (this.#run !== undefined && this.#phase === 'open') return this.#run.dispatch(dispatched);
    dispatched.onFailure(notRunning(this.label));
    return NEVER_RAN;
  }

  load(): ExecutorLoad {
    const slots = (this.#run?.managers ?? []).reduce((sum, manager) => sum + manager.slots, 0);
    const { maxBlocks, nodesPerBlock } = this.#options.provider;
    // Before the first node has come: it may run tasks, and does not know yet how many.
    return { outstanding: this.#run?.outstanding ?? 0, capacity: slots || maxBlocks * nodesPerBlock };
  }

  /** Managers that are connected, as the interchange sees them now. */
  async managers(): Promise<readonly ManagerInfo[]> {
    return this.#running().ask({ name: 'managers' });
  }

  /** Blocks of this run, those that have ended too. */
  blocks(): readonly BlockInfo[] {
    return this.#run?.supervisor.blocks() ?? [];
  }

  /** Managers of the target get no more tasks, until {@link release}. Resolves with those it was for. */
  async hold(target: Target): Promise<readonly ManagerInfo[]> {
    return this.#running().ask({ name: 'hold', target });
  }

  async release(target: Target): Promise<readonly ManagerInfo[]> {
    return this.#running().ask({ name: 'release', target });
  }

  /** Managers of the target get no more tasks, and end once they have none. */
  async drain(target: Target): Promise<readonly ManagerInfo[]> {
    return this.#running().ask({ name: 'drain', target });
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
    const { parseCommand } = await import('../../wire/pilot/message-codec.js');
    return { managers: await this.#running().ask(parseCommand(instruction)) };
  }

  /** What this executor has at the moment, as far as it was told; nothing is asked. */
  inspect(): HtexStatus {
    return {
      outstanding: this.#run?.outstanding ?? 0,
      managers: this.#run?.managers ?? [],
      blocks: this.blocks(),
    };
  }

  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    if (this.#run === undefined || this.#phase === 'closing') return;
    this.#phase = 'closing';
    await this.#run.close(graceMs);
  }

  #running(): HtexRun {
    if (this.#run === undefined) throw notRunning(this.label);
    return this.#run;
  }
}
