import type { StorageAccess } from '../data/storage-access.js';
import type { ObjectStore } from '../object-store/object-store.js';
import type { Outcome } from '../wire/outcome.js';
import type { Resources, TaskEnvelope } from '../wire/task-envelope.js';

/** What an executor promises, and what it does not: both answers are tested. */
export interface ExecutorCapabilities {
  /** Workers see the client's `node_modules`: bare imports of inline functions resolve there. */
  readonly sharesProject: boolean;
  /** Workers see the client's disk under the same paths: `file:` needs no transfer. */
  readonly sharesFilesystem: boolean;
  /** `thread`: a runaway loop and JavaScript heap are contained, native memory and aborts are not. `process`: all are. */
  readonly isolation: 'thread' | 'process';
  /** Aborting stops the task; otherwise it runs on unseen and its outcome is dropped. */
  readonly cancelRunning: boolean;
  /**
   * `temp:` outputs stay where its workers made them, and {@link Outcome} says where in `kept`: the kernel names no place
   * for them. Default: false; then the kernel names one where the file system is shared, and elsewhere `kept` has to.
   */
  readonly keepsTemporary?: boolean;
  /** Keys of {@link Resources} that are honoured; any other is refused at submission. */
  readonly resources: readonly (keyof Resources)[];
}

/** What a started executor may use of its run. */
export interface RunContext {
  readonly runId: string;
  /** Absolute path of the run directory. */
  readonly runDir: string;
  /** The bucket of a URL such as `s3://my-bucket`, for what is too large for the executor's own channel. */
  readonly openStore: (bucketUrl: string, options?: { readonly region?: string }) => ObjectStore;
}

/** Tasks an executor has, and how many it could run at once. */
export interface ExecutorLoad {
  /** Submitted and not yet settled. */
  readonly outstanding: number;
  /** Tasks it can run at the same time, at most. */
  readonly capacity: number;
}

/** Who waits for the outcome of a task that was dispatched: gets one of the two, once. */
export interface OutcomeReceiver {
  onOutcome(outcome: Outcome): void;
  /** What `submit` would reject with. */
  onFailure(error: unknown): void;
}

/** An attempt that is dispatched: what to run, and who waits for its outcome. */
export interface DispatchedAttempt extends OutcomeReceiver {
  /** What to run, made each time it is asked for: where a million wait, none need be kept before its turn. */
  envelope(): TaskEnvelope;
  /** The envelope's. */
  readonly priority: number | undefined;
}

/** An attempt that can be given up: its outcome is no longer wanted. */
export interface Abortable {
  /** Does nothing once there is an outcome. */
  abort(reason: unknown): void;
}

/** Runs tasks somewhere: on threads, on Lambda, on a cluster. Started and closed by the kernel, once. */
export interface Executor {
  /** Unique in a kernel; apps choose executors by it. */
  readonly label: string;
  readonly capabilities: ExecutorCapabilities;
  /** Who moves the files of its tasks. Default: as the run's config says. */
  readonly storageAccess?: StorageAccess;
  /** Rejects when tasks could never run here: nothing deployed, wrong keys, another version. */
  start(run: RunContext): Promise<void>;
  /**
   * Runs the task once and resolves with its outcome; a failure of the user's code is an outcome too.
   *
   * Rejects with class `infrastructure` when no answer can come any more (`WORKER_LOST`, …), with class `usage`
   * when the task can never run here (`RESOURCES_NOT_HONOURED`, …), and with `signal.reason` once aborted.
   */
  submit(envelope: TaskEnvelope, options: { readonly signal: AbortSignal }): Promise<Outcome>;
  /**
   * The same without a promise and a signal, which weigh more than a very small task does; a kernel uses it where there
   * is one. May answer before it returns.
   */
  dispatch?(attempt: DispatchedAttempt): Abortable;
  load(): ExecutorLoad;
  /** Nobody needs these any more, of what `kept` has named: with `keepsTemporary` only. What fails is its own affair. */
  dropTemporary?(urls: readonly string[]): void;
  /** What there is to see of it now, as plain data: `sluice status` shows it. */
  inspect?(): object;
  /** Takes an instruction from outside the process, as `sluice htex drain` gives them. @throws {SluiceError} `INVALID_OPTIONS` for one it does not know */
  instruct?(instruction: object): Promise<object>;
  /** Ends every worker: lets running tasks finish for `graceMs` milliseconds, then stops them. Idempotent. */
  close(options: { readonly graceMs: number }): Promise<void>;
}
