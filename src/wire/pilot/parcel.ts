import { SluiceError } from '../../errors.js';
import { decode, encode } from '../codec.js';
import type { PilotResult, PilotTask, TaskNeeds } from './pilot-task.js';

/** Small parts of many tasks travel in one frame; each large part is a frame of its own. */
type TaskRow = readonly [
  key: number,
  priority: number,
  code: number,
  smallBytes: number,
  largeParts: number,
  needs?: TaskNeeds,
];
type ResultRow = readonly [key: number, isOutcome: boolean, smallBytes: number, largeParts: number];

/** Tasks as frames: their rows, their small parts one after the other, their large parts. */
export function packTasks(tasks: readonly PilotTask[]): Uint8Array[] {
  const rows = tasks.map(({ key, priority, code, parts, needs }): TaskRow => {
    const small = (parts[0] as Uint8Array).byteLength;
    return needs === undefined
      ? [key, priority, code, small, parts.length - 1]
      : [key, priority, code, small, parts.length - 1, needs];
  });
  return framesOf(rows, tasks);
}

/** Reads frames of {@link packTasks}. Parts are views of the frames. @throws {SluiceError} `PROTOCOL` */
export function unpackTasks(frames: readonly Uint8Array[]): PilotTask[] {
  const [rows, nextParts] = open<TaskRow>(frames);
  return rows.map(([key, priority, code, small, large, needs]) => {
    return { key, priority, code, needs, parts: nextParts(small, large) };
  });
}

/** Results as frames, in the same way. */
export function packResults(results: readonly PilotResult[]): Uint8Array[] {
  const rows = results.map(({ key, kind, parts }): ResultRow => {
    return [key, kind === 'outcome', (parts[0] as Uint8Array).byteLength, parts.length - 1];
  });
  return framesOf(rows, results);
}

/** Reads frames of {@link packResults}. @throws {SluiceError} `PROTOCOL` */
export function unpackResults(frames: readonly Uint8Array[]): PilotResult[] {
  const [rows, nextParts] = open<ResultRow>(frames);
  return rows.map(([key, isOutcome, small, large]) => {
    return { key, kind: isOutcome ? 'outcome' : 'failure', parts: nextParts(small, large) };
  });
}

interface Packed {
  readonly parts: readonly Uint8Array[];
}

function framesOf(rows: readonly unknown[], items: readonly Packed[]): Uint8Array[] {
  const large: Uint8Array[] = [];
  const small: Uint8Array[] = [];
  for (const { parts } of items) {
    small.push(parts[0] as Uint8Array);
    for (let index = 1; index < parts.length; index++) large.push(parts[index] as Uint8Array);
  }
  return [encode(rows).bytes, small.length === 1 ? (small[0] as Uint8Array) : Buffer.concat(small), ...large];
}

type NextParts = (smallBytes: number, largeParts: number) => Uint8Array[];

function open<Row>(frames: readonly Uint8Array[]): [rows: readonly Row[], nextParts: NextParts] {
  const [head, small, ...large] = frames;
  if (head === undefined || small === undefined) throw malformed('frames are missing');
  const rows = decode(head);
  if (!Array.isArray(rows)) throw malformed('there should be rows');
  let at = 0;
  let nextLarge = 0;
  const nextParts: NextParts = (smallBytes, largeParts) => {
    const end = at + smallBytes;
    const lastLarge = nextLarge + largeParts;
    if (!(end <= small.byteLength) || !(lastLarge <= large.length)) throw malformed('a part is missing');
    const parts = [small.subarray(at, end), ...large.slice(nextLarge, lastLarge)];
    at = end;
    nextLarge = lastLarge;
    return parts;
  };
  return [rows as Row[], nextParts];
}

function malformed(what: string): SluiceError {
  return new SluiceError('PROTOCOL', `a message of tasks or results that cannot be read: ${what}`);
}
