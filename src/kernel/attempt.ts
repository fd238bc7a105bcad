import { DataFile } from '../data/data-file.js';
import { type ErrorClass, errorClassOf, messageOf, SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import type { RunEvent } from '../monitoring/event.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { decodeError } from '../wire/error-codec.js';
import type { Usage } from '../wire/outcome.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../wire/task-envelope.js';
import type { AttemptStop } from './attempt-stop.js';
import { slotValue } from './dependency.js';
import { eligibleExecutors } from './eligible-executors.js';
import type { KernelParts } from './kernel-parts.js';
import { retryDelayMs } from './retry.js';
import type { TaskRecord } from './task-record.js';
import type { LogTarget } from './task-request.js';

/** Why an attempt failed, and what the rule book needs to know to decide about the next one. */
export interface AttemptFailure {
  readonly error: unknown;
  readonly class: ErrorClass;
  readonly delayMs: number;
}

export type AttemptEnd =
  | { readonly kind: 'done'; readonly value: EncodedValue }
  | { readonly kind: 'failed'; readonly failure: AttemptFailure };

/** Runs one attempt of a task: envelope, routing, executor, outcome; then calls `onEnd`. Never rejects. */
export async function runAttempt(
  record: TaskRecord,
  attempt: number,
  parts: KernelParts,
  emit: (event: RunEvent) => void,
  onEnd: (record: TaskRecord, end: AttemptEnd) => void,
): Promise<void> {
  const { taskId, request, stop } = record;
  const app = request.appName;
  let executor = '';
  let usage: Usage | undefined;
  let end: AttemptEnd;
  try {
    const chosen = chooseExecutor(record, attempt, parts);
    executor = chosen.label;
    record.executor = executor;
    emit({ kind: 'attemptStarted', atMs: parts.now(), taskId, app, attempt, executor });
    const outcome = await chosen.submit(envelopeOf(record, attempt, parts), stop as AttemptStop);
    usage = outcome.usage;
    if (outcome.kind === 'error') {
      throw located(decodeError(outcome.error), { taskId, app, attempt, executor, where: usage.where });
    }
    emit({ kind: 'attemptEnded', atMs: parts.now(), taskId, app, attempt, executor, error: undefined, usage });
    end = { kind: 'done', value: outcome.value };
  } catch (thrown) {
    const error = messageOf(thrown);
    if (executor !== '')
      emit({ kind: 'attemptEnded', atMs: parts.now(), taskId, app, attempt, executor, error, usage });
    end = { kind: 'failed', failure: failureOf(thrown, attempt, parts) };
  }
  onEnd(record, end);
}

function chooseExecutor(record: TaskRecord, attempt: number, parts: KernelParts): Executor {
  const { request, executor: lastExecutor } = record;
  const candidates = eligibleExecutors(parts.executors, request);
  const label: unknown = parts.routing.choose(candidates, { appName: request.appName, attempt, lastExecutor });
  const chosen = candidates.find((candidate) => candidate.label === label);
  if (chosen !== undefined) return chosen;
  const labels = candidates.map((candidate) => `'${candidate.label}'`).join(', ');
  throw new SluiceError(
    'UNKNOWN_LABEL',
    `the routing policy chose '${String(label)}' for task ${record.taskId} '${request.appName}': choose must return one of ${labels}`,
  );
}

/** What the rule book needs to know of a failure. */
export function failureOf(error: unknown, attempt: number, parts: { random: () => number }): AttemptFailure {
  const errorClass = errorClassOf(error);
  return { error, class: errorClass, delayMs: retryDelayMs({ class: errorClass, attempt, random: parts.random() }) };
}

function envelopeOf(record: TaskRecord, attempt: number, parts: KernelParts): TaskEnvelope {
  const { request, call, taskId } = record;
  const slots = call.dependencies.length === 0 ? NO_SLOTS : call.dependencies.map(slotValue);
  const envelope: Writable<TaskEnvelope> = {
    version: WIRE_VERSION,
    runId: parts.runId,
    taskId,
    attempt,
    app: (request.work as { code: AppCode }).code,
    call: call.bytes,
    slots,
    files: filesOf(call.files, slots),
    outputs: request.outputs,
  };
  if (request.stdout !== undefined) envelope.stdout = logUrl(record, request.stdout, 'stdout', parts);
  if (request.stderr !== undefined) envelope.stderr = logUrl(record, request.stderr, 'stderr', parts);
  if (request.walltimeMs !== undefined) envelope.walltimeMs = request.walltimeMs;
  if (request.resources !== undefined) envelope.resources = request.resources;
  if (request.priority !== undefined) envelope.priority = request.priority;
  return envelope;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const NO_SLOTS: readonly EncodedValue[] = [];

function filesOf(own: readonly string[], slots: readonly EncodedValue[]): readonly string[] {
  if (slots.every((slot) => slot.files.length === 0)) return own;
  return [...new Set([...own, ...slots.flatMap((slot) => slot.files)])];
}

function logUrl(record: TaskRecord, target: LogTarget, stream: 'stdout' | 'stderr', parts: KernelParts): string {
  if (target !== 'AUTO') return new DataFile(target).url;
  const { taskId, request } = record;
  return new DataFile(parts.autoLog({ taskId, appName: request.appName, label: request.label }, stream)).url;
}

// The user's error stays as it was thrown; where it happened is told beside it.
function located(error: unknown, place: Record<string, unknown>): unknown {
  if (error instanceof Error) {
    const remote = { stack: error.stack, ...(error as { remote?: object }).remote, ...place };
    Object.defineProperty(error, 'remote', { value: remote, enumerable: false, configurable: true, writable: true });
  }
  return error;
}
