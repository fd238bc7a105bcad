import { decode, encode } from '../codec.js';
import type { EncodedValue } from '../encoded-value.js';
import type { Outcome, Usage } from '../outcome.js';
import { type AppCode, type TaskEnvelope, WIRE_VERSION } from '../task-envelope.js';

/** Above this, bytes travel as a part of their own, which nobody copies or decodes on the way. */
export const LARGE_BYTES: number = 16 * 1024;

/** Bytes in place; the index of the part that has them; or the URL where they lie. */
type Bytes = Uint8Array | number | string;
type Value = readonly [bytes: Bytes, files: readonly string[], size?: number];
type EnvelopeRow = readonly [
  runId: string,
  taskId: number,
  attempt: number,
  call: Bytes,
  slots: readonly Value[],
  files: readonly string[],
  outputs: readonly string[],
  rest?: Partial<TaskEnvelope>,
];
type OutcomeRow = readonly [
  isValue: boolean,
  content: Value,
  usage: readonly unknown[],
  manager?: string,
  kept?: Readonly<Record<string, string>>,
  read?: readonly number[],
];

/** Reads the bytes of a value that lies elsewhere. */
export type Fetch = (url: string) => Promise<Uint8Array>;

const FIELDS_OF_EVERY_TASK = 9;

/**
 * An envelope as parts: the first is small and holds all but its code, which travels by number; large values follow.
 *
 * @param callAt where the call's own bytes lie, when they do not travel with it
 */
export function packEnvelope(envelope: TaskEnvelope, callAt?: string): Uint8Array[] {
  const { runId, taskId, attempt, call, slots, files, outputs } = envelope;
  const parts: Uint8Array[] = [NOTHING];
  const small: EnvelopeRow = [
    runId,
    taskId,
    attempt,
    callAt ?? place(call, parts),
    slots.length === 0 ? NONE : slots.map((slot) => placeValue(slot, parts)),
    files,
    outputs,
  ];
  const isPlain = Object.keys(envelope).length === FIELDS_OF_EVERY_TASK;
  parts[0] = encode(isPlain ? small : [...small, restOf(envelope)]).bytes;
  return parts;
}

/** The envelope of parts from {@link packEnvelope}; `fetch` reads the call where it lies elsewhere. */
export function unpackEnvelope(
  parts: readonly Uint8Array[],
  app: AppCode,
  fetch: Fetch,
): TaskEnvelope | Promise<TaskEnvelope> {
  const row = decode(parts[0] as Uint8Array) as EnvelopeRow;
  const [runId, taskId, attempt, called, slots, files, outputs, rest] = row;
  const withCall = (call: Uint8Array): TaskEnvelope => {
    const values = slots.length === 0 ? NO_VALUES : slots.map((slot) => encodedValue(slot, parts));
    const envelope = {
      version: WIRE_VERSION,
      runId,
      taskId,
      attempt,
      app,
      call,
      slots: values,
      files,
      outputs,
    } as const;
    return rest === undefined ? envelope : { ...envelope, ...rest };
  };
  return typeof called === 'string' ? fetch(called).then(withCall) : withCall(bytesOf(called, parts));
}

/** The task's id, for errors about it. */
export function taskIdOf(parts: readonly Uint8Array[]): number {
  const [, taskId] = decode(parts[0] as Uint8Array) as EnvelopeRow;
  return taskId;
}

/** Where an outcome came about, where it matters to tasks that read the same files. */
export interface OutcomePlace {
  /** Id of the manager. */
  readonly manager?: string | undefined;
  /** Which of the envelope's files its node has in its cache since, as far as that has not been told before. */
  readonly read?: readonly number[] | undefined;
}

/** An outcome, and where it came about. */
export interface PlacedOutcome extends OutcomePlace {
  readonly outcome: Outcome;
}

/** An outcome as parts, in the same way. */
export function packOutcome(outcome: Outcome, { manager, read }: OutcomePlace = {}): Uint8Array[] {
  const parts: Uint8Array[] = [NOTHING];
  const content: Value =
    outcome.kind === 'value' ? placeValue(outcome.value, parts) : [place(outcome.error, parts), NONE];
  const { runMs, stagingMs, where, cpuMs, peakMemoryMiB, inputs } = outcome.usage;
  const usage = [runMs, stagingMs, where, cpuMs, peakMemoryMiB];
  const row: OutcomeRow = [outcome.kind === 'value', content, inputs === undefined ? usage : [...usage, inputs]];
  const kept = outcome.kind === 'value' ? outcome.kept : undefined;
  parts[0] = encode((manager ?? kept ?? read) === undefined ? row : [...row, manager, kept, read]).bytes;
  return parts;
}

/** The outcome of parts from {@link packOutcome}. */
export function unpackOutcome(parts: readonly Uint8Array[]): Outcome {
  return unpackResult(parts).outcome;
}

/** What {@link packOutcome} was given. */
export function unpackResult(parts: readonly Uint8Array[]): PlacedOutcome {
  const row = decode(parts[0] as Uint8Array) as OutcomeRow;
  const [isValue, content, [runMs, stagingMs, where, cpuMs, peakMemoryMiB, inputs], manager, kept, read] = row;
  const usage = {
    runMs,
    stagingMs,
    where,
    ...(cpuMs !== undefined && { cpuMs }),
    ...(peakMemoryMiB !== undefined && { peakMemoryMiB }),
    ...(inputs !== undefined && { inputs }),
  } as Usage;
  const outcome: Outcome = isValue
    ? { kind: 'value', value: encodedValue(content, parts), usage, ...(kept !== undefined && { kept }) }
    : { kind: 'error', error: bytesOf(content[0], parts), usage };
  return { outcome, manager, read };
}

const NOTHING = new Uint8Array(0);
const NONE: readonly never[] = [];
const NO_VALUES: readonly EncodedValue[] = [];

function place(bytes: Uint8Array, parts: Uint8Array[]): Bytes {
  return bytes.byteLength > LARGE_BYTES ? parts.push(bytes) - 1 : bytes;
}

function placeValue(value: EncodedValue, parts: Uint8Array[]): Value {
  if (value.kind === 'inline') return [place(value.bytes, parts), value.files];
  return [value.url, value.files, value.size];
}

function bytesOf(bytes: Bytes, parts: readonly Uint8Array[]): Uint8Array {
  return typeof bytes === 'number' ? (parts[bytes] as Uint8Array) : (bytes as Uint8Array);
}

function encodedValue([bytes, files, size = 0]: Value, parts: readonly Uint8Array[]): EncodedValue {
  if (typeof bytes === 'string') return { kind: 'reference', url: bytes, size, files };
  return { kind: 'inline', bytes: bytesOf(bytes, parts), files };
}

function restOf(envelope: TaskEnvelope): Partial<TaskEnvelope> {
  const { version, runId, taskId, attempt, app, call, slots, files, outputs, ...rest } = envelope;
  return rest;
}
