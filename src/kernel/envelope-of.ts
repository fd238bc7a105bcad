import { DataFile } from '../data/data-file.js';
import type { EncodedValue } from '../wire/encoded-value.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../wire/task-envelope.js';
import { slotValue } from './dependency.js';
import type { KernelParts } from './kernel-parts.js';
import type { TaskRecord } from './task-record.js';
import type { LogTarget } from './task-request.js';

/** What of an envelope its attempt decides. */
export interface EnvelopeParts {
  /** Counts from 1. */
  readonly attempt: number;
  /** The code as the workers need it. */
  readonly app: AppCode;
  /** Where its `temp:` files are; absent where it has none. */
  readonly relayed: TaskEnvelope['relayed'];
}

/** What an executor gets of an attempt. */
export function envelopeOf(
  record: TaskRecord,
  { attempt, app, relayed }: EnvelopeParts,
  parts: KernelParts,
): TaskEnvelope {
  const { request, call, taskId } = record;
  const slots = call.dependencies.length === 0 ? NO_SLOTS : call.dependencies.map(slotValue);
  const envelope: Writable<TaskEnvelope> = {
    version: WIRE_VERSION,
    runId: parts.runId,
    taskId,
    attempt,
    app,
    call: call.bytes,
    slots,
    files: filesOf(call.files, slots),
    outputs: request.outputs,
  };
  if (request.stdout !== undefined) envelope.stdout = logUrl(record, request.stdout, 'stdout', parts);
  if (request.stderr !== undefined) envelope.stderr = logUrl(record, request.stderr, 'stderr', parts);
  if (request.appends !== undefined) envelope.appends = request.appends;
  if (relayed !== undefined) envelope.relayed = relayed;
  if (request.aliases !== undefined) envelope.aliases = request.aliases;
  if (parts.cache !== undefined && envelope.files.length > 0) envelope.cache = parts.cache;
  if (record.executor !== undefined && movesFiles(envelope)) {
    const storage = parts.storageOf?.(record.executor);
    if (storage !== undefined) envelope.storage = storage;
  }
  if (request.walltimeMs !== undefined) envelope.walltimeMs = request.walltimeMs;
  if (request.resources !== undefined) envelope.resources = request.resources;
  if (request.priority !== undefined) envelope.priority = request.priority;
  return envelope;
}

function movesFiles({ files, outputs, stdout, stderr }: TaskEnvelope): boolean {
  return files.length > 0 || outputs.length > 0 || stdout !== undefined || stderr !== undefined;
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

/** Paths, or URLs, of the files that the streams of a task go to. */
export function logsOf(record: TaskRecord, parts: KernelParts): readonly string[] {
  const { stdout, stderr } = record.request;
  const urls: string[] = [];
  if (stdout !== undefined) urls.push(logUrl(record, stdout, 'stdout', parts));
  if (stderr !== undefined) urls.push(logUrl(record, stderr, 'stderr', parts));
  return urls;
}
