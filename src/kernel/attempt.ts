import { DataFile } from '../data/data-file.js';
import { type ErrorClass, errorClassOf, messageOf, SluiceError } from '../errors.js';
import type { Executor } from '../executors/executor.js';
import type { RunEvent } from '../monitoring/event.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { decodeError } from '../wire/error-codec.js';
import type { Usage } from '../wire/outcome.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../wire/task-envelope.js';
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

/** Runs one attempt of a task: envelope, routing, executor, outcome. Never rejects. */
export async function runAttempt(
  record: TaskRecord,
  attempt: number,
  signal: AbortSignal,
  parts: KernelParts,
  emit: (event: RunEvent) => void,
): Promise<AttemptEnd> {
  const { taskId, request } = record;
  const base = { taskId, app: request.appName, attempt };
  let executor = '';
  let usage: Usage | undefined;
  try {
    const chosen = chooseExecutor(record, attempt, parts);
    executor = chosen.label;
    record.executor = executor;
    emit({ kind: 'attemptStarted', atMs: parts.now(), ...base, executor });
    const outcome = await chosen.submit(envelopeOf(record, attempt, parts), { signal });
    usage = outcome.usage;
    if (outcome.kind === 'error') throw located(decodeError(outcome.error), { ...base, executor, where: usage.where });
    emit({ kind: 'attemptEnded', atMs: parts.now(), ...base, executor, usage });
    return { kind: 'done', value: outcome.value };
  } catch (error) {
    const ended = { kind: 'attemptEnded', atMs: parts.now(), ...base, executor, error: messageOf(error) } as const;
    if (executor !== '') emit(usage === undefined ? ended : { ...ended, usage });
    return { kind: 'failed', failure: failureOf(error, attempt, parts) };
  }
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
  const slots = call.dependencies.map(slotValue);
  const stdout = logUrl(record, request.stdout, 'stdout', parts);
  const stderr = logUrl(record, request.stderr, 'stderr', parts);
  return {
    version: WIRE_VERSION,
    runId: parts.runId,
    taskId,
    attempt,
    app: (request.work as { code: AppCode }).code,
    call: call.bytes,
    slots,
    files: filesOf(call.files, slots),
    outputs: request.outputs,
    ...(stdout !== undefined && { stdout }),
    ...(stderr !== undefined && { stderr }),
    ...(request.walltimeMs !== undefined && { walltimeMs: request.walltimeMs }),
    ...(request.resources !== undefined && { resources: request.resources }),
    ...(request.priority !== undefined && { priority: request.priority }),
  };
}

function filesOf(own: readonly string[], slots: readonly EncodedValue[]): readonly string[] {
  if (slots.every((slot) => slot.files.length === 0)) return own;
  return [...new Set([...own, ...slots.flatMap((slot) => slot.files)])];
}

function logUrl(
  record: TaskRecord,
  target: LogTarget | undefined,
  stream: 'stdout' | 'stderr',
  parts: KernelParts,
): string | undefined {
  if (target === undefined) return undefined;
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
