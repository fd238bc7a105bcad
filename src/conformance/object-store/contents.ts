import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ObjectInfo, ObjectStore } from '../../object-store/object-store.js';

export const MEBIBYTE: number = 1024 * 1024;

/** Keys that XML, URLs, paths or forms could spoil. */
export const ODD_KEYS: readonly string[] = [
  'a b/c d.txt',
  ' ',
  'space at the end ',
  'percent%2Fslash%20',
  '%',
  '%zz',
  'plus+plus',
  'ünïcødé-日本-😀',
  // One letter written in two ways (NFC, NFD) is two keys.
  'caf\u00e9',
  'cafe\u0301',
  'dots/../kept/./so',
  '.',
  '..',
  '../above',
  './here',
  '/lead',
  '//twice//over//',
  `quotes"'and<&>\``,
  'tail/',
  'tail',
  'question?mark#hash;semi=colon&amp;&#65;',
  'back\\slash:colon@at',
  '$(dollar) $HOME !*~|^[]{},',
  'x-amz-meta?uploads&partNumber=1',
  'tab\tin',
  'return\rin',
  'line\nfeed',
  'control\u0001\u001f\u007f',
  'nul\0byte',
  'next\u0085line\u2028\u2029',
  'not a character \ufffe\uffff',
  'byte order \ufeff, right to left \u202e',
];

/** A key as long as keys may be, in bytes, and one that is a byte too long. */
export const LONGEST_KEY: string = `${'日'.repeat(340)}/xyz`;
export const TOO_LONG_KEY: string = `${LONGEST_KEY}!`;

export async function rejects(promise: Promise<unknown>, code: string): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error, `expected ${code}, but it succeeded`);
  assert.equal(codeOf(error), code, error.message);
  return error;
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

export async function collect(store: ObjectStore, key: string): Promise<Uint8Array> {
  const { chunks } = await store.getStream(key);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export async function drained(
  opened: Awaited<ReturnType<ObjectStore['getStream']>>,
): Promise<{ readonly info: ObjectInfo }> {
  for await (const chunk of opened.chunks) assert.ok(chunk.length >= 0);
  return opened;
}

export async function keysOf(
  store: ObjectStore,
  prefix = '',
  startAfter?: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const keys: string[] = [];
  const options = { ...(startAfter === undefined ? {} : { startAfter }), ...(signal && { signal }) };
  for await (const { key } of store.listAfter(prefix, options)) keys.push(key);
  return keys;
}

export async function inParallel(keys: readonly string[], task: (key: string) => Promise<unknown>): Promise<void> {
  const queue = keys.values();
  const lane = async () => {
    for (const key of queue) await task(key);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

export function partsOf(body: Uint8Array): (range: { start: number; end: number }) => Promise<Uint8Array> {
  return async ({ start, end }) => body.subarray(start, end + 1);
}

export function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

export function hash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
