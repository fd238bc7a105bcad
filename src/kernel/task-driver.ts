import { SluiceError } from '../errors.js';
import type { RunEvent } from '../monitoring/event.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { Attempt, type AttemptContext, type AttemptEnd } from './attempt.js';
import { NO_ARGUMENTS } from './call-template.js';
import { EventQueue } from './event-queue.js';
import { followDependencies, followInner } from './follow-dependencies.js';
import { collectJoin, type JoinBodyEnd } from './join-body.js';
import type { KernelParts } from './kernel-parts.js';
import { createRuleBook, type RuleBook } from './rule-book.js';
import { SignalWatch } from './signal-watch.js';
import { isFinal, type TaskCommand, type TaskEvent, type TaskStatus } from './task.js';
import type { TaskRecord } from './task-record.js';
import { TaskTable } from './task-table.js';
import type { TemporaryFiles } from './temporary-files/temporary-files.js';

/** What a driver needs of its kernel. */
export interface DriverParts {
  readonly parts: KernelParts;
  readonly emit: (event: RunEvent) => void;
  /** Runs the body of a join. Never rejects. */
  readonly runBody: (record: TaskRecord, attempt: number) => Promise<JoinBodyEnd>;
  /** The `temp:` files of the run; `undefined` as long as it has none. */
  readonly temporary: () => TemporaryFiles | undefined;
  /** A task has failed for good. */
  readonly onFailed: (record: TaskRecord) => void;
}

/** Drives tasks from their submission to their end: does what the rule book commands, and tells it what comes of that. */
export class TaskDriver {
  readonly rules: RuleBook = createRuleBook();
  readonly #kernel: DriverParts;
  readonly #attempts: AttemptContext;
  readonly #tasks = new TaskTable();
  readonly #events = new EventQueue((record, event, value) => this.#apply(record, event, value));
  readonly #post = (record: TaskRecord, event: TaskEvent): void => this.#events.post(record, event);
  readonly #signals = new SignalWatch((taskId, reason) => this.cancel(taskId, reason));
  #whenIdle: Array<() => void> = [];

  constructor(kernel: DriverParts) {
    this.#kernel = kernel;
    const { parts, emit, temporary } = kernel;
    this.#attempts = { parts, emit, temporary, onEnd: this.#onAttemptEnd };
  }

  /** Takes a task; it is launched at once when it waits for nothing. */
  add(record: TaskRecord): void {
    const { taskId, request } = record;
    this.#tasks.add(record);
    this.#kernel.emit({ kind: 'taskCreated', atMs: this.#kernel.parts.now(), taskId, app: request.appName });
    if (request.signal !== undefined) this.#signals.add(request.signal, taskId);
    followDependencies(record, this.#post);
  }

  /** Tasks that have ended are forgotten: `undefined`. */
  statusOf(taskId: number): TaskStatus | undefined {
    return this.#tasks.get(taskId)?.task.state.kind;
  }

  cancel(taskId: number, reason: unknown): void {
    const record = this.#tasks.get(taskId);
    if (record !== undefined) this.#post(record, { kind: 'cancelled', error: cancelledError(record, reason) });
  }

  cancelAll(reason: unknown): void {
    for (const { taskId } of this.#tasks.records()) this.cancel(taskId, reason);
  }

  /** Resolves when no task is left. Never rejects. */
  idle(): Promise<void> {
    if (this.#tasks.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #apply(record: TaskRecord, event: TaskEvent, value: EncodedValue | undefined): void {
    const before = record.task.state.kind;
    const { task, command } = this.rules.apply(record.task, event);
    record.task = task;
    if (task.state.kind !== before) this.#emitStatus(record, before);
    if (command !== undefined) this.#execute(record, command, value);
  }

  #execute(record: TaskRecord, command: TaskCommand, value: EncodedValue | undefined): void {
    switch (command.kind) {
      case 'launch':
        if (record.rare !== undefined) record.rare.stopDelay = undefined;
        if (record.request.work.kind === 'join') void this.#runJoin(record, command.attempt);
        else new Attempt(record, command.attempt, this.#attempts).start();
        return;
      case 'launchLater':
        record.rare ??= {};
        record.rare.stopDelay = this.#kernel.parts.later(command.delayMs, () => this.#post(record, DELAY_OVER));
        return;
      case 'collectJoin':
        void this.#collectJoin(record);
        return;
      case 'abort':
        record.stop?.abort(finalError(record));
        this.#settle(record, undefined);
        return;
      case 'settle':
        record.rare?.stopDelay?.();
        this.#settle(record, value);
        return;
    }
  }

  readonly #onAttemptEnd = (record: TaskRecord, end: AttemptEnd): void => {
    if (end.kind === 'done') this.#events.post(record, ATTEMPT_DONE, end.value);
    else this.#post(record, { kind: 'attemptFailed', ...end.failure });
  };

  async #runJoin(record: TaskRecord, attempt: number): Promise<void> {
    const ended = await this.#kernel.runBody(record, attempt);
    if (isFinal(record.task.state)) return;
    if (ended.kind === 'failed') {
      this.#onAttemptEnd(record, ended);
      return;
    }
    record.rare ??= {};
    record.rare.inner = ended.inner;
    this.#post(record, { kind: 'joinReturned', unresolved: ended.inner.dependencies.length });
    followInner(record, ended.inner, this.#post);
  }

  async #collectJoin(record: TaskRecord): Promise<void> {
    this.#onAttemptEnd(record, await collectJoin(record, this.#kernel.parts.fetch));
  }

  #settle(record: TaskRecord, value: EncodedValue | undefined): void {
    const { task, taskId, request, future, rare } = record;
    const { state } = task;
    const children = rare?.children;
    const temporary = this.#kernel.temporary();
    this.#tasks.delete(taskId);
    if (request.signal !== undefined) this.#signals.remove(request.signal, taskId);
    if (state.kind === 'failed') this.#kernel.onFailed(record);
    if (temporary !== undefined) {
      temporary.ended(record);
      if (value !== undefined && value.files.length > 0) temporary.holdBy(future, value.files);
    }
    // What it still waited for may hold on to the record, not to the arguments.
    record.call = NO_ARGUMENTS;
    record.rare = undefined;
    if (state.kind === 'done') future.settle({ kind: 'value', value: value as EncodedValue });
    else future.settle({ kind: 'error', error: finalError(record), cancelled: state.kind === 'cancelled' });
    if (state.kind === 'cancelled' && children !== undefined) for (const child of children) child.cancel(state.error);
    if (this.#tasks.size > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #emitStatus({ taskId, request, task }: TaskRecord, from: TaskStatus): void {
    const { emit, parts } = this.#kernel;
    emit({ kind: 'taskStatus', atMs: parts.now(), taskId, app: request.appName, from, status: task.state.kind });
  }
}

const ATTEMPT_DONE: TaskEvent = { kind: 'attemptDone' };
const DELAY_OVER: TaskEvent = { kind: 'delayOver' };

function finalError({ task: { state } }: TaskRecord): unknown {
  return state.kind === 'failed' || state.kind === 'cancelled' ? state.error : undefined;
}

function cancelledError(record: TaskRecord, reason: unknown): SluiceError {
  const why = reason === undefined ? '' : `: ${reason instanceof Error ? reason.message : String(reason)}`;
  return new SluiceError('CANCELLED', `task ${record.taskId} '${record.request.appName}' was cancelled${why}`, {
    cause: reason,
  });
}
