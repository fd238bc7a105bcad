import { messageOf } from '../errors.js';
import type { Abortable, DispatchedAttempt, Executor } from '../executors/executor.js';
import type { RunEvent } from '../monitoring/event.js';
import { mustBeBundled } from '../wire/code-shipping/ship-code.js';
import { mapRemoteError } from '../wire/code-shipping/stack/map-stack.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { decodeError } from '../wire/error-codec.js';
import type { Outcome, Usage } from '../wire/outcome.js';
import type { AppCode, TaskEnvelope } from '../wire/task-envelope.js';
import { AttemptStop } from './attempt-stop.js';
import { envelopeOf } from './envelope-of.js';
import type { KernelParts } from './kernel-parts.js';
import { type AttemptFailure, judgeFailure } from './retry.js';
import { chooseExecutor } from './routing/choose-executor.js';
import { isFinal } from './task.js';
import type { TaskRecord } from './task-record.js';
import type { TemporaryFiles } from './temporary-files/temporary-files.js';

export type AttemptEnd =
  | { readonly kind: 'done'; readonly value: EncodedValue }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** What the attempts of a kernel have in common. */
export interface AttemptContext {
  readonly parts: KernelParts;
  readonly emit: (event: RunEvent) => void;
  /** The `temp:` files of the run; `undefined` as long as it has none. */
  readonly temporary: () => TemporaryFiles | undefined;
  /** Called once for each attempt. */
  readonly onEnd: (record: TaskRecord, end: AttemptEnd) => void;
}

/**
 * One attempt of a task: routing, envelope, executor, outcome. Not an async function: what one of those keeps while it
 * waits would be half of what a waiting task weighs.
 */
export class Attempt implements DispatchedAttempt {
  readonly #record: TaskRecord;
  readonly #attempt: number;
  readonly #context: AttemptContext;

  constructor(record: TaskRecord, attempt: number, context: AttemptContext) {
    this.#record = record;
    this.#attempt = attempt;
    this.#context = context;
  }

  /** Never throws: `onEnd` is told of every failure. */
  start(): void {
    const { parts, onEnd, temporary } = this.#context;
    let chosen: Executor;
    try {
      chosen = chooseExecutor(this.#record, this.#attempt, parts);
    } catch (error) {
      onEnd(this.#record, { kind: 'failed', failure: this.#judge(error, undefined) });
      return;
    }
    this.#record.executor = chosen.label;
    const prepared = temporary()?.prepare(this.#record, chosen);
    if (prepared === undefined) this.#begin(chosen);
    else this.#beginAfter(prepared, chosen);
  }

  #begin(chosen: Executor): void {
    const { parts, emit } = this.#context;
    const { taskId, request } = this.#record;
    const { label: executor } = chosen;
    emit({ kind: 'attemptStarted', atMs: parts.now(), taskId, app: request.appName, attempt: this.#attempt, executor });
    try {
      this.#record.stop = this.#send(chosen);
    } catch (error) {
      this.onFailure(error);
    }
  }

  // The files of its inputs have to be made again, or brought, before it can be sent.
  #beginAfter(prepared: Promise<unknown>, chosen: Executor): void {
    const stop = new AttemptStop();
    this.#record.stop = stop;
    const begin = (): void => {
      if (!stop.isAborted) this.#begin(chosen);
    };
    const fail = (error: unknown): void => {
      if (stop.isAborted) return;
      this.#context.onEnd(this.#record, { kind: 'failed', failure: this.#judge(error, undefined) });
    };
    void prepared.then(begin, fail);
  }

  envelope(): TaskEnvelope {
    const { work } = this.#record.request;
    return this.#envelopeWith((work as { code: AppCode }).code);
  }

  get priority(): number | undefined {
    return this.#record.request.priority;
  }

  onOutcome(outcome: Outcome): void {
    if (outcome.kind === 'error') {
      this.#fail(this.#errorOf(outcome), outcome.usage);
      return;
    }
    try {
      this.#context.temporary()?.made(this.#record, outcome.kept);
    } catch (error) {
      this.#fail(error, outcome.usage);
      return;
    }
    this.#emitEnd(undefined, outcome.usage);
    this.#context.onEnd(this.#record, { kind: 'done', value: outcome.value });
  }

  onFailure(error: unknown): void {
    this.#fail(error, undefined);
  }

  #send(chosen: Executor): Abortable {
    const { code } = this.#record.request.work as { code: AppCode };
    if (mustBeBundled(code, chosen.capabilities)) {
      return this.#submit(chosen, this.#context.parts.shipCode(code, chosen.capabilities));
    }
    if (chosen.dispatch === undefined) return this.#submit(chosen, code);
    return chosen.dispatch(this);
  }

  #submit(chosen: Executor, code: AppCode | Promise<AppCode>): Abortable {
    const stop = new AttemptStop();
    const send = (app: AppCode): Promise<Outcome> => {
      stop.throwIfAborted();
      return chosen.submit(this.#envelopeWith(app), stop);
    };
    const sent = code instanceof Promise ? code.then(send) : send(code);
    sent.then(
      (outcome) => this.onOutcome(outcome),
      (error: unknown) => this.onFailure(error),
    );
    return stop;
  }

  #envelopeWith(app: AppCode): TaskEnvelope {
    const attempt = this.#attempt;
    const relayed = this.#context.temporary()?.relayedFor(this.#record, attempt);
    return envelopeOf(this.#record, { attempt, app, relayed }, this.#context.parts);
  }

  #fail(error: unknown, usage: Usage | undefined): void {
    this.#context.temporary()?.failed(this.#record, error);
    this.#emitEnd(messageOf(error), usage);
    this.#context.onEnd(this.#record, { kind: 'failed', failure: this.#judge(error, this.#record.executor) });
  }

  #emitEnd(error: string | undefined, usage: Usage | undefined): void {
    const { taskId, request, executor = '' } = this.#record;
    const { parts, emit } = this.#context;
    const app = request.appName;
    for (const text of usage?.inputs?.changed ?? []) parts.warn(text);
    emit({ kind: 'attemptEnded', atMs: parts.now(), taskId, app, attempt: this.#attempt, executor, error, usage });
  }

  #judge(error: unknown, executor: string | undefined): AttemptFailure {
    return failureOf(error, this.#record, this.#attempt, executor, this.#context.parts);
  }

  #errorOf(outcome: Outcome & { kind: 'error' }): unknown {
    try {
      return this.#located(outcome);
    } catch (error) {
      return error;
    }
  }

  // The user's error stays as it was thrown, its stack in the user's own files; where it happened is told beside it.
  #located({ error: bytes, usage }: Outcome & { kind: 'error' }): unknown {
    const { taskId, request, executor } = this.#record;
    const error = decodeError(bytes);
    if (!(error instanceof Error)) return error;
    mapRemoteError(error, (request.work as { code: AppCode }).code);
    const place = { taskId, app: request.appName, attempt: this.#attempt, executor, where: usage.where };
    const remote = { stack: error.stack, ...(error as { remote?: object }).remote, ...place };
    Object.defineProperty(error, 'remote', { value: remote, enumerable: false, configurable: true, writable: true });
    return error;
  }
}

/** What the rule book needs to know of a failure. */
export function failureOf(
  error: unknown,
  { taskId, request, task }: TaskRecord,
  attempt: number,
  executor: string | undefined,
  parts: Pick<KernelParts, 'retry' | 'random'>,
): AttemptFailure {
  // Of a task that was given up meanwhile nothing is repeated: no policy need know.
  const policy = isFinal(task.state) ? undefined : parts.retry;
  return judgeFailure(error, { taskId, appName: request.appName, attempt, executor }, policy, parts.random());
}
