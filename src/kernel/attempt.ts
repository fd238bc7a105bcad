import { messageOf } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import type { RunEvent } from '../monitoring/event.js';
import { mustBeBundled } from '../wire/code-shipping/ship-code.js';
import { mapRemoteError } from '../wire/code-shipping/stack/map-stack.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { decodeError } from '../wire/error-codec.js';
import type { Outcome, Usage } from '../wire/outcome.js';
import type { AppCode } from '../wire/task-envelope.js';
import type { AttemptStop } from './attempt-stop.js';
import { envelopeOf } from './envelope-of.js';
import type { KernelParts } from './kernel-parts.js';
import { type AttemptFailure, judgeFailure } from './retry.js';
import { chooseExecutor } from './routing/choose-executor.js';
import { isFinal } from './task.js';
import type { TaskRecord } from './task-record.js';

export type AttemptEnd =
  | { readonly kind: 'done'; readonly value: EncodedValue }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** What the attempts of a kernel have in common. */
export interface AttemptContext {
  readonly parts: KernelParts;
  readonly emit: (event: RunEvent) => void;
  /** Called once for each attempt. */
  readonly onEnd: (record: TaskRecord, end: AttemptEnd) => void;
}

/**
 * Runs one attempt of a task: routing, envelope, executor, outcome. Never throws. Not an async function: what one of
 * those keeps while it waits would be half of what a waiting task weighs.
 */
export function runAttempt(record: TaskRecord, attempt: number, context: AttemptContext): void {
  const { parts, emit, onEnd } = context;
  let chosen: Executor;
  try {
    chosen = chooseExecutor(record, attempt, parts);
  } catch (error) {
    onEnd(record, { kind: 'failed', failure: failureOf(error, record, attempt, undefined, parts) });
    return;
  }
  record.executor = chosen.label;
  const { taskId, request } = record;
  emit({
    kind: 'attemptStarted',
    atMs: parts.now(),
    taskId,
    app: request.appName,
    attempt,
    executor: chosen.label,
  });
  submitTo(chosen, record, attempt, parts).then(
    (outcome) => onOutcome(record, attempt, chosen.label, outcome, context),
    (error: unknown) => onFailure(record, attempt, chosen.label, { error, usage: undefined }, context),
  );
}

function submitTo(chosen: Executor, record: TaskRecord, attempt: number, parts: KernelParts): Promise<Outcome> {
  try {
    const { code } = record.request.work as { code: AppCode };
    const stop = record.stop as AttemptStop;
    if (!mustBeBundled(code, chosen.capabilities)) return chosen.submit(envelopeOf(record, attempt, code, parts), stop);
    return parts.shipCode(code, chosen.capabilities).then((bundled) => {
      stop.throwIfAborted();
      return chosen.submit(envelopeOf(record, attempt, bundled, parts), stop);
    });
  } catch (error) {
    return Promise.reject(error);
  }
}

function onOutcome(
  record: TaskRecord,
  attempt: number,
  executor: string,
  outcome: Outcome,
  context: AttemptContext,
): void {
  const { taskId, request } = record;
  const { usage } = outcome;
  const app = request.appName;
  if (outcome.kind === 'error') {
    const { code } = request.work as { code: AppCode };
    const error = located(decodeError(outcome.error), code, { taskId, app, attempt, executor, where: usage.where });
    onFailure(record, attempt, executor, { error, usage }, context);
    return;
  }
  const { parts, emit, onEnd } = context;
  emit({ kind: 'attemptEnded', atMs: parts.now(), taskId, app, attempt, executor, error: undefined, usage });
  onEnd(record, { kind: 'done', value: outcome.value });
}

function onFailure(
  record: TaskRecord,
  attempt: number,
  executor: string,
  { error, usage }: { error: unknown; usage: Usage | undefined },
  { parts, emit, onEnd }: AttemptContext,
): void {
  const { taskId, request } = record;
  const atMs = parts.now();
  emit({
    kind: 'attemptEnded',
    atMs,
    taskId,
    app: request.appName,
    attempt,
    executor,
    error: messageOf(error),
    usage,
  });
  onEnd(record, { kind: 'failed', failure: failureOf(error, record, attempt, executor, parts) });
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

// The user's error stays as it was thrown, its stack in the user's own files; where it happened is told beside it.
function located(error: unknown, code: AppCode, place: Record<string, unknown>): unknown {
  if (error instanceof Error) {
    mapRemoteError(error, code);
    const remote = { stack: error.stack, ...(error as { remote?: object }).remote, ...place };
    Object.defineProperty(error, 'remote', { value: remote, enumerable: false, configurable: true, writable: true });
  }
  return error;
}
