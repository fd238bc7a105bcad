import type { StorageAccess } from '../../data/storage-access.js';
import { SluiceError } from '../../errors.js';
import type { ExecutionProvider } from '../../providers/provider.js';
import type { Outcome } from '../../wire/outcome.js';
import type { TaskEnvelope } from '../../wire/task-envelope.js';
import type {
  Abortable,
  DispatchedAttempt,
  Executor,
  ExecutorCapabilities,
  ExecutorLoad,
  RunContext,
} from '../executor.js';
import { HighThroughputExecutor } from '../htex/high-throughput-executor.js';
import { NEVER_RAN } from '../never-ran.js';
import { submitByDispatch } from '../submit-by-dispatch.js';
import { type MpiOptions, resolveMpiOptions } from './mpi-options.js';
import { MPI_RESOURCES, resolveMpiSpec } from './mpi-spec.js';

/**
 * Runs applications that take several nodes of a block each: a task says how many by `resources: { nodes, ranks,
 * ranksPerNode, launcherOptions }`, gets nodes of its own, and starts its ranks by `$SLUICE_MPI_PREFIX ./application`.
 * Tasks whose nodes are not free wait at the block, by priority and size. One manager runs in each block, so its provider
 * must start one copy there (`SimpleLauncher`).
 */
export class MpiExecutor implements Executor {
  readonly label: string;
  readonly storageAccess?: StorageAccess;
  readonly capabilities: ExecutorCapabilities;
  readonly #htex: HighThroughputExecutor;
  readonly #nodesPerBlock: number;

  /** @throws {SluiceError} `INVALID_OPTIONS` */
  constructor(options: MpiOptions) {
    const { mpiLauncher, htex } = resolveMpiOptions(options);
    this.#htex = new HighThroughputExecutor(htex, { launcher: mpiLauncher });
    refuseManyCopies(htex.provider);
    this.#nodesPerBlock = htex.provider.nodesPerBlock;
    this.label = this.#htex.label;
    const { storageAccess } = this.#htex;
    if (storageAccess !== undefined) this.storageAccess = storageAccess;
    this.capabilities = { ...this.#htex.capabilities, resources: MPI_RESOURCES };
  }

  /** @throws as {@link HighThroughputExecutor.start} does */
  start(run: RunContext): Promise<void> {
    return this.#htex.start(run);
  }

  submit(envelope: TaskEnvelope, { signal }: { readonly signal: AbortSignal }): Promise<Outcome> {
    return submitByDispatch(this.dispatch.bind(this), envelope, signal);
  }

  dispatch(dispatched: DispatchedAttempt): Abortable {
    try {
      const envelope = dispatched.envelope();
      const place = { app: envelope.app.name, label: this.label, nodesPerBlock: this.#nodesPerBlock };
      const resources = { ...resolveMpiSpec(envelope.resources, place) };
      return this.#htex.dispatch({
        envelope: () => ({ ...envelope, resources }),
        priority: dispatched.priority,
        onOutcome: (outcome) => dispatched.onOutcome(outcome),
        onFailure: (error) => dispatched.onFailure(error),
      });
    } catch (error) {
      dispatched.onFailure(error);
      return NEVER_RAN;
    }
  }

  load(): ExecutorLoad {
    return this.#htex.load();
  }

  inspect(): object {
    return this.#htex.inspect();
  }

  instruct(instruction: object): Promise<object> {
    return this.#htex.instruct(instruction);
  }

  close(options: { readonly graceMs: number }): Promise<void> {
    return this.#htex.close(options);
  }
}

function refuseManyCopies({ name, nodesPerBlock, launcher }: ExecutionProvider): void {
  if (launcher === undefined || launcher.name === 'simple' || nodesPerBlock === 1) return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `MpiExecutor: launcher '${launcher.name}' of provider '${name}' starts a manager on each of its ${nodesPerBlock} nodes; MPI needs one for all of them: give the provider a SimpleLauncher`,
  );
}
