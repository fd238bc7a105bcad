import { SluiceError } from '../../errors.js';
import { decode, encode } from '../codec.js';
import type { PilotResult, PilotTask, TaskNeeds } from './pilot-task.js';

/**
 * What a parcel holds: its first byte. The messages of every single task are parcels, which are read and written without
 * a decoder; every other message begins with its wire version.
 */
export const PARCEL = {
  /** Tasks, for the first time. */
  tasks: 0xa1,
  /** Tasks that an interchange before this one had. */
  again: 0xa2,
  /** Tasks that had better run elsewhere. */
  returned: 0xa3,
  results: 0xa4,
  /** Tasks for one worker process. `word`: the number of the first. */
  run: 0xa5,
} as const;

/** What a frame is, if it is a parcel. */
export function parcelKindOf(frame: Uint8Array | undefined): number | undefined {
  const kind = frame?.[0] ?? 0;
  return kind >= PARCEL.tasks && kind <= PARCEL.run ? kind : undefined;
}

// All numbers are big-endian. Head: kind (uint8), word (uint32), count (uint32).
const HEAD_BYTES = 9;
/** Key and priority (float64), number of the code, bytes of the first part, count of others, bytes of needs (uint32). */
const TASK_BYTES = 32;
/** Key and time it ran (float64), bytes of the first part, twice the count of others and 1 for an outcome (uint32). */
const RESULT_BYTES = 24;

/**
 * Tasks as frames: one with a row for each, and after the rows their needs and first parts in turn; then their large
 * parts, a frame each, uncopied.
 */
export function packTasks(kind: number, tasks: readonly PilotTask[], word = 0): Uint8Array[] {
  const needs = tasks.map((task) => (task.needs === undefined ? NOTHING : encode(task.needs).bytes));
  const { bytes, view, append } = startParcel(kind, word, tasks, TASK_BYTES, needs);
  let row = HEAD_BYTES;
  for (let index = 0; index < tasks.length; index++) {
    const { key, priority, code, parts } = tasks[index] as PilotTask;
    const own = needs[index] as Uint8Array;
    const first = parts[0] as Uint8Array;
    view.setFloat64(row, key);
    view.setFloat64(row + 8, priority);
    view.setUint32(row + 16, code);
    view.setUint32(row + 20, first.byteLength);
    view.setUint32(row + 24, parts.length - 1);
    view.setUint32(row + 28, own.byteLength);
    append(own);
    append(first);
    row += TASK_BYTES;
  }
  return withLarge(bytes, tasks);
}

/** Reads frames of {@link packTasks}. Parts are views of the frames. @throws {SluiceError} `PROTOCOL` */
export function unpackTasks(frames: readonly Uint8Array[]): { readonly tasks: PilotTask[]; readonly word: number } {
  const { view, word, count, nextSmall, nextLarge } = openParcel(frames, TASK_BYTES);
  const tasks: PilotTask[] = [];
  for (let row = HEAD_BYTES; tasks.length < count; row += TASK_BYTES) {
    const own = view.getUint32(row + 28);
    const needs = own === 0 ? undefined : (decode(nextSmall(own)) as TaskNeeds);
    const parts = nextLarge(nextSmall(view.getUint32(row + 20)), view.getUint32(row + 24));
    tasks.push({
      key: view.getFloat64(row),
      priority: view.getFloat64(row + 8),
      needs,
      code: view.getUint32(row + 16),
      parts,
    });
  }
  return { tasks, word };
}

/** Results as frames, in the same way. @param runMs how long each ran, for who counts that */
export function packResults(results: readonly PilotResult[], runMs: readonly number[] = []): Uint8Array[] {
  const { bytes, view, append } = startParcel(PARCEL.results, 0, results, RESULT_BYTES, []);
  let row = HEAD_BYTES;
  for (let index = 0; index < results.length; index++) {
    const { key, kind, parts } = results[index] as PilotResult;
    const first = parts[0] as Uint8Array;
    view.setFloat64(row, key);
    view.setFloat64(row + 8, runMs[index] ?? 0);
    view.setUint32(row + 16, first.byteLength);
    view.setUint32(row + 20, (parts.length - 1) * 2 + (kind === 'outcome' ? 1 : 0));
    append(first);
    row += RESULT_BYTES;
  }
  return withLarge(bytes, results);
}

/** Reads frames of {@link packResults}. @throws {SluiceError} `PROTOCOL` */
export function unpackResults(frames: readonly Uint8Array[]): {
  readonly results: PilotResult[];
  readonly runMs: number[];
} {
  const { view, count, nextSmall, nextLarge } = openParcel(frames, RESULT_BYTES);
  const results: PilotResult[] = [];
  const runMs: number[] = [];
  for (let row = HEAD_BYTES; results.length < count; row += RESULT_BYTES) {
    const more = view.getUint32(row + 20);
    const parts = nextLarge(nextSmall(view.getUint32(row + 16)), more >>> 1);
    results.push({ key: view.getFloat64(row), kind: more % 2 === 1 ? 'outcome' : 'failure', parts });
    runMs.push(view.getFloat64(row + 8));
  }
  return { results, runMs };
}

interface Packed {
  readonly parts: readonly Uint8Array[];
}

function startParcel(
  kind: number,
  word: number,
  items: readonly Packed[],
  rowBytes: number,
  needs: readonly Uint8Array[],
) {
  let at = HEAD_BYTES + rowBytes * items.length;
  let size = at;
  for (const { byteLength } of needs) size += byteLength;
  for (const { parts } of items) size += (parts[0] as Uint8Array).byteLength;
  const bytes = Buffer.allocUnsafe(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  view.setUint8(0, kind);
  view.setUint32(1, word);
  view.setUint32(5, items.length);
  const append = (part: Uint8Array): void => {
    bytes.set(part, at);
    at += part.byteLength;
  };
  return { bytes, view, append };
}

function withLarge(bytes: Uint8Array, items: readonly Packed[]): Uint8Array[] {
  const frames = [bytes];
  for (const { parts } of items) {
    for (let index = 1; index < parts.length; index++) frames.push(parts[index] as Uint8Array);
  }
  return frames;
}

function openParcel(frames: readonly Uint8Array[], rowBytes: number) {
  const bytes = frames[0] ?? NOTHING;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength < HEAD_BYTES ? Number.POSITIVE_INFINITY : view.getUint32(5);
  let at = HEAD_BYTES + rowBytes * count;
  if (at > bytes.byteLength) throw malformed('rows are missing');
  let large = 1;
  const nextSmall = (size: number): Uint8Array => {
    if (at + size > bytes.byteLength) throw malformed('a part is missing');
    at += size;
    return bytes.subarray(at - size, at);
  };
  const nextLarge = (first: Uint8Array, more: number): Uint8Array[] => {
    if (more === 0) return [first];
    if (large + more > frames.length) throw malformed('a large part is missing');
    large += more;
    return [first, ...frames.slice(large - more, large)];
  };
  return { view, word: view.getUint32(1), count, nextSmall, nextLarge };
}

const NOTHING = new Uint8Array(0);

function malformed(what: string): SluiceError {
  return new SluiceError('PROTOCOL', `a message of tasks or results that cannot be read: ${what}`);
}
