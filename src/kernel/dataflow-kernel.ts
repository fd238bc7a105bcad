import { SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import type { RunEvent } from '../monitoring/event.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { AppFuture, type FutureOwner } from './app-future.js';
import { Attempt, type AttemptContext, type AttemptEnd } from './attempt.js';
import { createBroadcast } from './broadcast.js';
import { callTemplate, NO_ARGUMENTS } from './call-template.js';
import { enclosingJoin, kernelClosed, unsetDefaultKernel } from './current-kernel.js';
import { decodeValue } from './decode-value.js';
import { type Dependency, taskOf } from './dependency.js';
import { dependencyError, joinError, rootOf } from './dependency-errors.js';
import { eligibleExecutors } from './eligible-executors.js';
import { endWithin } from './end-within.js';
import { logsOf } from './envelope-of.js';
import { ExecutorRoster } from './executor-roster.js';
import { collectJoin, runJoinBody } from './join-body.js';
import type { KernelParts } from './kernel-parts.js';
import { liftedAccess } from './lifted-access.js';
import { createRunStats, type RunStats } from './run-stats.js';
import type { Settlement } from './settlement.js';
import { SignalWatch } from './signal-watch.js';
import { summarize } from './summary.js';
import { createTask, isFinal, type TaskCommand, type TaskEvent, type TaskStatus } from './task.js';
import { createTaskRecord, type TaskRecord } from './task-record.js';
import type { TaskRequest } from './task-request.js';
import { transition } from './transition.js';
import { UnseenFailures } from './unseen-failures.js';

interface QueuedEvent {
  readonly record: TaskRecord;
  readonly event: TaskEvent;
  readonly value: EncodedValue | undefined;
}

/**
 * The DataFlowKernel: takes the calls of apps, follows their dependencies and keeps executors busy, all in the
 * client's process. Made by `load`; what may happen to a task is written in `transition.ts`.
 */
export class DataFlowKernel implements FutureOwner, AsyncDisposable {
  readonly #parts: KernelParts;
  readonly #records = new Map<number, TaskRecord>();
  readonly #stats = createRunStats();
  readonly #broadcast: (event: RunEvent) => void;
  readonly #attempts: AttemptContext;
  readonly #events: QueuedEvent[] = [];
  readonly #unseen = new UnseenFailures();
  readonly #signals = new SignalWatch((taskId, reason) => this.cancel(taskId, reason));
  readonly #roster: ExecutorRoster;
  #draining = false;
  #nextTaskId = 0;
  #phase: 'open' | 'closing' | 'closed' = 'open';
  #whenIdle: Array<() => void> = [];
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(parts: KernelParts) {
    this.#parts = parts;
    this.#broadcast = createBroadcast([this.#stats, ...parts.monitors], parts.warn);
    this.#roster = new ExecutorRoster(parts);
    this.#attempts = { parts, emit: this.#broadcast, onEnd: this.#onAttemptEnd };
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
   * @throws {SluiceError} `KERNEL_CLOSED`, `UNKNOWN_LABEL`, `RESOURCES_NOT_HONOURED`, `NOT_SENDABLE`
   * @internal
   */
  submit(request: TaskRequest, args: readonly unknown[], inputs: readonly unknown[] = []): AppFuture<unknown> {
    this.#refuseUnlessOpen(request.appName);
    if (request.work.kind === 'remote') eligibleExecutors(this.#parts.executors, request);
    const call = callTemplate(args, inputs);
    const taskId = this.#nextTaskId++;
    const future = new AppFuture<unknown>(this, taskId, request.appName, request.outputs);
    const { retries, infrastructureRetries } = this.#parts;
    const task = createTask({
      unresolved: call.dependencies.length,
      retries: request.retries ?? retries,
      infrastructureRetries,
    });
    const record = createTaskRecord(taskId, request, future, call, task);
    this.#records.set(taskId, record);
    this.#broadcast({ kind: 'taskCreated', atMs: this.#parts.now(), taskId, app: request.appName });
    if (request.signal !== undefined) this.#signals.add(request.signal, taskId);
    this.#await(record);
    const join = enclosingJoin(this);
    if (join !== undefined) this.#adopt(join, future);
    return future;
  }

  /** @internal */
  lift(future: AppFuture<unknown>, key: unknown): AppFuture<unknown> {
    return this.submit(liftedAccess(future.appName, key), [future]);
  }

  /** @internal */
  failureSeen(future: AppFuture<unknown>, error: unknown): void {
    const root = rootOf(error);
    if (root === undefined) this.#unseen.remove(future.taskId);
    else root.look();
  }

  /** @internal */
  statusOf(taskId: number): TaskStatus {
    return this.#records.get(taskId)?.task.state.kind ?? 'done';
  }

  /** @internal */
  cancel(taskId: number, reason: unknown): void {
    const record = this.#records.get(taskId);
    if (record !== undefined) this.#post(record, { kind: 'cancelled', error: cancelledError(record, reason) });
  }

  /** Gives up everything that is not finished. */
  cancelAll(reason?: unknown): void {
    for (const record of [...this.#records.values()]) this.cancel(record.taskId, reason);
  }

  /** @internal */
  decode(value: EncodedValue): unknown {
    return decodeValue(value, this.#parts.fetch);
  }

  /** Resolves when every task submitted so far, and those they lead to, has ended. Never rejects. */
  waitForAll(): Promise<void> {
    if (this.#records.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
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
    await endWithin('the summary', () => report(this.summary(), this.#unseen.count), this.#parts);
    await Promise.all(monitors.map((monitor) => endWithin('a monitor', () => monitor.close(), this.#parts)));
    await this.#parts.onClosed();
  }

  // What the body of a join calls goes with the join when that is cancelled.
  #adopt(join: TaskRecord, future: AppFuture<unknown>): void {
    const { state } = join.task;
    if (state.kind === 'cancelled') future.cancel(state.error);
    if (isFinal(state)) return;
    join.children ??= [];
    join.children.push(future);
  }

  #refuseUnlessOpen(appName: string): void {
    if (this.#phase === 'open' || (this.#phase === 'closing' && enclosingJoin(this) !== undefined)) return;
    throw kernelClosed(appName);
  }

  #await(record: TaskRecord): void {
    const { dependencies } = record.call;
    if (dependencies.length === 0) this.#post(record, DEPENDENCY_DONE);
    for (const dependency of dependencies) {
      taskOf(dependency).onSettled((settlement) =>
        this.#post(record, this.#dependencyEvent(record, dependency, settlement)),
      );
    }
  }

  #dependencyEvent(record: TaskRecord, dependency: Dependency, settlement: Settlement): TaskEvent {
    if (settlement.kind === 'value') return DEPENDENCY_DONE;
    if (settlement.cancelled) return { kind: 'cancelled', error: settlement.error };
    return { kind: 'dependencyFailed', error: dependencyError(record.future, dependency, settlement.error) };
  }

  // Events are queued, so that a chain of any length settles without recursion.
  #post(record: TaskRecord, event: TaskEvent, value?: EncodedValue): void {
    this.#events.push({ record, event, value });
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let index = 0; index < this.#events.length; index++) {
        const { record, event, value } = this.#events[index] as QueuedEvent;
        this.#apply(record, event, value);
      }
    } finally {
      this.#events.length = 0;
      this.#draining = false;
    }
  }

  #apply(record: TaskRecord, event: TaskEvent, value: EncodedValue | undefined): void {
    const before = record.task.state.kind;
    const { task, command } = transition(record.task, event);
    record.task = task;
    if (task.state.kind !== before) this.#emitStatus(record, before);
    if (command !== undefined) this.#execute(record, command, value);
  }

  #execute(record: TaskRecord, command: TaskCommand, value: EncodedValue | undefined): void {
    switch (command.kind) {
      case 'launch':
        record.stopDelay = undefined;
        if (record.request.work.kind === 'join') void this.#runJoin(record, command.attempt);
        else new Attempt(record, command.attempt, this.#attempts).start();
        return;
      case 'launchLater':
        record.stopDelay = this.#parts.later(command.delayMs, () => this.#post(record, { kind: 'delayOver' }));
        return;
      case 'collectJoin':
        void this.#collectJoin(record);
        return;
      case 'abort':
        record.stop?.abort(finalError(record));
        this.#settle(record, undefined);
        return;
      case 'settle':
        record.stopDelay?.();
        this.#settle(record, value);
        return;
    }
  }

  readonly #onAttemptEnd = (record: TaskRecord, end: AttemptEnd): void => {
    if (end.kind === 'done') this.#post(record, ATTEMPT_DONE, end.value);
    else this.#post(record, { kind: 'attemptFailed', ...end.failure });
  };

  async #runJoin(record: TaskRecord, attempt: number): Promise<void> {
    const ended = await runJoinBody(this, record, attempt, this.#parts);
    if (isFinal(record.task.state)) return;
    if (ended.kind === 'failed') {
      this.#onAttemptEnd(record, ended);
      return;
    }
    record.inner = ended.inner;
    this.#post(record, { kind: 'joinReturned', unresolved: ended.inner.dependencies.length });
    for (const dependency of ended.inner.dependencies) {
      taskOf(dependency).onSettled((settlement) => {
        if (settlement.kind === 'value') this.#post(record, { kind: 'innerDone' });
        else this.#post(record, { kind: 'innerFailed', error: joinError(record.future, dependency, settlement.error) });
      });
    }
  }

  async #collectJoin(record: TaskRecord): Promise<void> {
    this.#onAttemptEnd(record, await collectJoin(record, this.#parts.fetch));
  }

  #settle(record: TaskRecord, value: EncodedValue | undefined): void {
    const { task, taskId, request, future } = record;
    this.#records.delete(taskId);
    if (request.signal !== undefined) this.#signals.remove(request.signal, taskId);
    if (task.state.kind === 'failed') this.#noteFailure(record, task.state);
    // What it still waited for may hold on to the record, not to the arguments.
    record.call = NO_ARGUMENTS;
    record.inner = undefined;
    const children = record.children ?? [];
    record.children = undefined;
    if (task.state.kind === 'done') future.settle({ kind: 'value', value: value as EncodedValue });
    else future.settle({ kind: 'error', error: finalError(record), cancelled: task.state.kind === 'cancelled' });
    if (task.state.kind === 'cancelled') for (const child of children) child.cancel(task.state.error);
    if (this.#records.size > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #noteFailure(record: TaskRecord, { error, attempts }: { error: unknown; attempts: number }): void {
    const { taskId, request, future, executor } = record;
    const root = rootOf(error);
    if (future.isLookedAt) root?.look();
    else if (root === undefined) {
      const logs = () => logsOf(record, this.#parts);
      this.#unseen.add(taskId, () => ({ taskId, appName: request.appName, error, attempts, executor, logs: logs() }));
    }
  }

  #emitStatus({ taskId, request, task }: TaskRecord, from: TaskStatus): void {
    const { appName: app } = request;
    this.#broadcast({ kind: 'taskStatus', atMs: this.#parts.now(), taskId, app, from, status: task.state.kind });
  }
}

const DEPENDENCY_DONE = { kind: 'dependencyDone' } as const;
const ATTEMPT_DONE = { kind: 'attemptDone' } as const;

function finalError(record: TaskRecord): unknown {
  const { state } = record.task;
  return isFinal(state) && state.kind !== 'done' ? (state as { error: unknown }).error : undefined;
}

function cancelledError(record: TaskRecord, reason: unknown): SluiceError {
  const why = reason === undefined ? '' : `: ${reason instanceof Error ? reason.message : String(reason)}`;
  return new SluiceError('CANCELLED', `task ${record.taskId} '${record.request.appName}' was cancelled${why}`, {
    cause: reason,
  });
}
