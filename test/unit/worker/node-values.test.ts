import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SluiceError } from '../../../src/errors.js';
import { createNodeValues } from '../../../src/worker/node-values.js';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sluice-node-values-')), 'values');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const url = (name: string) => `s3://b/p/values/${name}`;
const bytes = (size: number, fill = 1) => new Uint8Array(size).fill(fill);

/** A bucket, and the values of two workers of one node over it. */
function node(options: { mostBytes?: number } = {}) {
  const bucket = new Map<string, Uint8Array>();
  const asked: string[] = [];
  const store = {
    fetch: async (at: string) => {
      asked.push(at);
      const found = bucket.get(at);
      if (found === undefined) throw new SluiceError('NOT_FOUND', at);
      return found;
    },
    keep: async (at: string, content: Uint8Array) => void bucket.set(at, content),
  };
  const worker = () => createNodeValues(store, { folder, below: 's3://b/p/values', ...options });
  return { bucket, asked, one: worker(), other: worker() };
}

test('what a worker made is in the bucket, and the others of its node do not fetch it', async () => {
  const { bucket, asked, one, other } = node();
  await one.keep(url('m1/v'), bytes(5));
  expect(bucket.get(url('m1/v'))).toEqual(bytes(5));
  expect(new Uint8Array(await other.fetch(url('m1/v')))).toEqual(bytes(5));
  expect(asked).toEqual([]);
  const [kept] = readdirSync(folder);
  expect([statSync(folder).mode & 0o777, statSync(join(folder, kept ?? '')).mode & 0o777]).toEqual([0o700, 0o600]);
});

test('what a worker read, the others need not fetch', async () => {
  const { bucket, asked, one, other } = node();
  bucket.set(url('client/1'), bytes(5));
  for (const worker of [one, other, one]) expect(new Uint8Array(await worker.fetch(url('client/1')))).toEqual(bytes(5));
  expect(asked).toEqual([url('client/1')]);
  await expect(one.fetch(url('none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('what is no value of the run is read anew each time, and not kept', async () => {
  const { bucket, asked, one } = node();
  for (const at of ['s3://b/p/calls/1', 's3://b/p/values2/1', 's3://other/values/1']) {
    bucket.set(at, bytes(1));
    await one.fetch(at);
    await one.fetch(at);
  }
  expect(asked).toHaveLength(6);
  expect(existsSync(folder)).toBe(false);
});

test('the oldest go when there are too many, and what is too large is not kept', async () => {
  const { bucket, asked, one } = node({ mostBytes: 25 });
  for (const name of ['a', 'b', 'c']) {
    await one.keep(url(name), bytes(10));
    for (const kept of readdirSync(folder)) {
      const { atimeMs, mtimeMs } = statSync(join(folder, kept));
      utimesSync(join(folder, kept), (atimeMs - 1_000) / 1_000, (mtimeMs - 1_000) / 1_000);
    }
  }
  expect(readdirSync(folder)).toHaveLength(2);
  await one.fetch(url('c'));
  await one.fetch(url('b'));
  expect(asked).toEqual([]);
  await one.fetch(url('a'));
  expect(asked).toEqual([url('a')]);
  await one.keep(url('d'), bytes(26));
  expect(bucket.has(url('d'))).toBe(true);
  expect(readdirSync(folder)).toHaveLength(2);
});

test('where nothing can be kept, everything is fetched', async () => {
  const { bucket, one } = node();
  writeFileSync(folder, 'a file stands here');
  await one.keep(url('v'), bytes(5));
  expect(bucket.has(url('v'))).toBe(true);
  expect(await one.fetch(url('v'))).toEqual(bytes(5));
});
