import type { Executor } from '../executors/executor.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import type { AppFuture, FutureOwner } from './app-future.js';
import { createBroadcast } from './broadcast.js';
import { callTemplate } from './call-template.js';
import { enclosingJoin, kernelClosed, unsetDefaultKernel } from './current-kernel.js';
import { decodeValue } from './decode-value.js';
import { eligibleExecutors } from './eligible-executors.js';
import { endWithin } from './end-within.js';
import { ExecutorRoster } from './executor-roster.js';
import { Intake } from './intake.js';
import { runJoinBody } from './join-body.js';
import type { KernelParts } from './kernel-parts.js';
import { liftedAccess } from './lifted-access.js';
import { failureSeen, noteFailure } from './note-failure.js';
import { createRunStats, type RunStats } from './run-stats.js';
import { summarize } from './summary.js';
import type { TaskStatus } from './task.js';
import { TaskDriver } from './task-driver.js';
import type { TaskRequest } from './task-request.js';
import { UnseenFailures } from './unseen-failures.js';

/**
 * The DataFlowKernel: takes the calls of apps, follows their dependencies and keeps executors busy, all in the
 * client's process. Made by `load`; what may happen to a task is written in `transition.ts`.
 */
export class DataFlowKernel implements FutureOwner, AsyncDisposable {
  readonly #parts: KernelParts;
  readonly #driver: TaskDriver;
  readonly #roster: ExecutorRoster;
  readonly #stats = createRunStats();
  readonly #unseen = new UnseenFailures();
  readonly #intake: Intake;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(parts: KernelParts) {
    this.#parts = parts;
    this.#roster = new ExecutorRoster(parts);
    const emit = createBroadcast([this.#stats, ...parts.monitors], parts.warn);
    this.#driver = new TaskDriver({
      parts,
      emit,
      temporary: () => this.#intake.temporary,
      runBody: (record, attempt) => runJoinBody(this, record, attempt, parts),
      onFailed: (record) => noteFailure(record, this.#unseen, parts),
    });
    const driver = this.#driver;
    this.#intake = new Intake({ parts, owner: this, driver, emit, enclosingJoin: () => enclosingJoin(this) });
  }

  get runId(): string {
    return this.#parts.runId;
  }

  /** Absolute path of the run directory. */
  get runDir(): string {
    return this.#parts.runDir;
  }

  /** Counts of the run so far: by status, by app, by executor. */
  stats(): RunStats {
    return this.#stats.snapshot();
  }

  /**
   * What has become of the run, as text: tasks by state and by app, then failures that nobody has looked at, neither
   * by awaiting the task nor by awaiting one that failed because of it. It is in `summary.txt` of the run directory
   * after the close, and on stderr when there are such failures.
   */
  summary(): string {
    return summarize({ runId: this.runId, stats: this.stats(), unseen: this.#unseen });
  }

  /**
   * Starts executors that tasks may use from then on; they are closed with the kernel. When one cannot start the
   * kernel stays as it was, and whatever had started is ended again.
   *
   * @throws {SluiceError} `DUPLICATE_LABEL`, `INVALID_OPTIONS`, `KERNEL_CLOSED`, or what an executor's start says
   */
  addExecutors(executors: readonly Executor[]): Promise<void> {
    return this.#roster.add(executors);
  }

  /**
   * Takes one call. Apps call this.
   *
   * @throws {SluiceError} `KERNEL_CLOSED`, `UNKNOWN_LABEL`, `RESOURCES_NOT_HONOURED`, `NOT_SENDABLE`; for `temp:` files
   *   `NOT_FOUND`, `INVALID_OPTIONS`
   * @internal
   */
  submit(
    request: TaskRequest,
    args: readonly unknown[],
    inputs: readonly unknown[] = [],
    stdin?: unknown,
  ): AppFuture<unknown> {
    this.#refuseUnlessOpen(request.appName);
    if (request.work.kind === 'remote') eligibleExecutors(this.#parts.executors, request);
    return this.#intake.submit(request, callTemplate(args, inputs, stdin));
  }

  /** @internal */
  lift(future: AppFuture<unknown>, key: unknown): AppFuture<unknown> {
    return this.submit(liftedAccess(future.appName, key), [future]);
  }

  /** @internal */
  release(future: AppFuture<unknown>, url: string): void {
    this.#intake.temporary?.release(future, url);
  }

  /** @internal */
  failureSeen(future: AppFuture<unknown>, error: unknown): void {
    failureSeen(future, error, this.#unseen);
  }

  /** @internal */
  statusOf(taskId: number): TaskStatus {
    return this.#driver.statusOf(taskId) ?? 'done';
  }

  /** @internal */
  cancel(taskId: number, reason: unknown): void {
    this.#driver.cancel(taskId, reason);
  }

  /** Gives up everything that is not finished. */
  cancelAll(reason?: unknown): void {
    this.#driver.cancelAll(reason);
  }

  /** @internal */
  decode(value: EncodedValue): unknown {
    return decodeValue(value, this.#parts.fetch, this.#intake.temporary?.onFile);
  }

  /** Resolves when every task submitted so far, and those they lead to, has ended. Never rejects. */
  waitForAll(): Promise<void> {
    return this.#driver.idle();
  }

  /**
   * Ends the run: waits for what was submitted, or cancels it (the config's `onClose`, unless given here), then
   * ends every worker within `graceMs`. Idempotent. Calls of apps are refused from now on.
   */
  close(options: { onClose?: 'wait' | 'cancel' } = {}): Promise<void> {
    const onClose = options.onClose ?? this.#parts.onClose;
    if (onClose === 'cancel') this.cancelAll(new Error('the kernel was closed'));
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#phase = 'closing';
    this.#roster.close();
    await this.waitForAll();
    this.#phase = 'closed';
    unsetDefaultKernel(this);
    const { monitors, report } = this.#parts;
    await this.#roster.endAll();
    const { temporary } = this.#intake;
    if (temporary !== undefined)
      await endWithin('the removal of temporary files', () => temporary.close(), this.#parts);
    await endWithin('the summary', () => report(this.summary(), this.#unseen.count), this.#parts);
    await Promise.all(monitors.map((monitor) => endWithin('a monitor', () => monitor.close(), this.#parts)));
    await this.#parts.onClosed();
  }

  #refuseUnlessOpen(appName: string): void {
    if (this.#phase === 'open' || (this.#phase === 'closing' && enclosingJoin(this) !== undefined)) return;
    throw kernelClosed(appName);
  }
}
