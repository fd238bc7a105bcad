import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentKey } from '../../../src/data/cache/content-key.js';
import { DataFile, file } from '../../../src/data/data-file.js';
import { createLocalStaging } from '../../../src/data/local/local-staging.js';
import { createS3Staging } from '../../../src/data/s3/s3-staging.js';
import type { Staging } from '../../../src/data/staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import { SluiceError } from '../../../src/errors.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import type { ObjectStore } from '../../../src/object-store/object-store.js';
import { cachePlace } from '../../fixtures/cache/cache-place.js';
import { temporaryFolder } from './temporary-folder.js';

const { signal } = new AbortController();
const bytes = (text: string) => new TextEncoder().encode(text);

/** A bucket whose requests are counted, and a manager over it. */
async function place(changes: Partial<Staging> = {}) {
  const store = createMemoryStore({ bucket: 'bucket' });
  const requests: string[] = [];
  const counted: ObjectStore = {
    ...store,
    head: (key, options) => {
      requests.push(`head ${key}`);
      return store.head(key, options);
    },
    getStream: (key, options) => {
      requests.push(`get ${key}`);
      return store.getStream(key, options);
    },
    listAfter: (prefix, options) => {
      requests.push('list');
      return store.listAfter(prefix, options);
    },
  };
  const staging = { ...createS3Staging({ openStore: () => counted }), ...changes };
  const manager = createStagingManager([createLocalStaging(), staging]);
  const cache = (await cachePlace()).open();
  const bringSince = async (receivedMs: number | undefined, ...urls: readonly string[]): Promise<readonly string[]> => {
    const cached = cache.openFor('a task');
    const files = urls.map((url) => file(url));
    const paths = await manager.stageIn(files, { directory: await temporaryFolder(), signal, receivedMs, cached });
    const texts = await Promise.all(files.map(({ url }) => readFile(paths.get(url) ?? '', 'utf8')));
    usages.push(await cached.release());
    return texts;
  };
  const bring = (...urls: readonly string[]) => bringSince(undefined, ...urls);
  const usages: object[] = [];
  return { store, requests, cache, bring, bringSince, usages };
}

test('an object is asked for its identity by each task, and fetched by one', async () => {
  const { store, requests, bring, usages } = await place();
  await store.put('a', bytes('A'));
  expect(await bring('s3://bucket/a')).toEqual(['A']);
  expect(await bring('s3://bucket/a')).toEqual(['A']);
  expect(requests).toEqual(['head a', 'get a', 'head a']);
  expect(usages).toEqual([
    { hits: 0, misses: 1, hitBytes: 0, missBytes: 1, evictions: 0 },
    { hits: 1, misses: 0, hitBytes: 1, missBytes: 0, evictions: 0 },
  ]);
});

test('tasks that came together ask once, and one that comes later asks anew', async () => {
  const { store, requests, bringSince } = await place();
  await store.put('a', bytes('A'));
  const receivedMs = performance.now();
  expect(await bringSince(receivedMs, 's3://bucket/a')).toEqual(['A']);
  expect(await bringSince(receivedMs, 's3://bucket/a')).toEqual(['A']);
  expect(requests).toEqual(['head a', 'get a']);
  await store.put('a', bytes('B'));
  expect(await bringSince(performance.now(), 's3://bucket/a')).toEqual(['B']);
  expect(requests).toEqual(['head a', 'get a', 'head a', 'get a']);
});

test('tasks that came together ask once also for what they have in common among several inputs', async () => {
  const { store, requests, bringSince } = await place();
  for (const key of ['common', 'x/1', 'x/2']) await store.put(key, bytes(key));
  const receivedMs = performance.now();
  expect(await bringSince(receivedMs, 's3://bucket/common', 's3://bucket/x/1')).toEqual(['common', 'x/1']);
  const before = requests.length;
  expect(await bringSince(receivedMs, 's3://bucket/common', 's3://bucket/x/2')).toEqual(['common', 'x/2']);
  expect(requests.slice(before)).toEqual(['head x/2', 'get x/2']);
  expect(await bringSince(receivedMs, 's3://bucket/common', 's3://bucket/x/1')).toEqual(['common', 'x/1']);
  expect(requests).toHaveLength(before + 2);
});

test('what came together gets what there is, where the object it was told of is gone before it was fetched', async () => {
  const { store, requests, cache, bringSince } = await place();
  await store.put('a', bytes('A'));
  const receivedMs = performance.now();
  await bringSince(receivedMs, 's3://bucket/a');
  await rm(cache.entries, { recursive: true });
  await store.put('a', bytes('B'));
  expect(await bringSince(receivedMs, 's3://bucket/a')).toEqual(['B']);
  expect(requests).toEqual(['head a', 'get a', 'get a', 'head a', 'get a']);
});

test('an object that was replaced is another content', async () => {
  const { store, bring } = await place();
  await store.put('a', bytes('A'));
  await bring('s3://bucket/a');
  await store.put('a', bytes('B'));
  expect(await bring('s3://bucket/a')).toEqual(['B']);
});

test('objects of the same content in two places are two contents, and two names of one task do not meet', async () => {
  const { store, bring, cache } = await place();
  await store.put('x/a', bytes('A'));
  await store.put('y/a', bytes('A'));
  expect(await bring('s3://bucket/x/a', 's3://bucket/y/a')).toEqual(['A', 'A']);
  expect((await cache.inspect()).names).toHaveLength(2);
});

test('many inputs of a task are looked up together', async () => {
  const { store, requests, bring } = await place();
  const urls = Array.from({ length: 20 }, (_, index) => `s3://bucket/many/${index}`);
  for (const [index] of urls.entries()) await store.put(`many/${index}`, bytes(`${index}`));
  expect(await bring(...urls)).toEqual(urls.map((_, index) => `${index}`));
  expect(requests.filter((request) => !request.startsWith('get'))).toEqual(['list']);
});

test('an object that is replaced between the look and the download is brought as it is then', async () => {
  let looks = 0;
  const { store, requests, bring } = await place({
    identity: async () => {
      const found = await store.head('a');
      looks += 1;
      if (looks === 1) await store.put('a', bytes('other'));
      return found && { tag: found.etag, size: found.size };
    },
  });
  await store.put('a', bytes('A'));
  expect(await bring('s3://bucket/a')).toEqual(['other']);
  expect(looks).toBe(2);
  expect(requests).toEqual(['get a', 'get a']);
});

test('an object that is replaced again and again is a failed transfer', async () => {
  let looks = 0;
  const { store, bring } = await place({
    identity: async () => {
      const found = await store.head('a');
      looks += 1;
      await store.put('a', bytes(`content ${looks}`));
      return found && { tag: found.etag, size: found.size };
    },
  });
  await store.put('a', bytes('A'));
  await expect(bring('s3://bucket/a')).rejects.toMatchObject({ code: 'TRANSFER_FAILED', class: 'infrastructure' });
  expect(looks).toBeLessThan(5);
});

test('a file is brought as ever where its staging will not tell its identity, has none, or it need not be copied', async () => {
  const failing = async (): Promise<never> => {
    throw new SluiceError('ACCESS_DENIED', 'no questions');
  };
  for (const changes of [
    { identity: failing, identities: failing },
    { identity: async () => ({ tag: '', size: 1 }) },
    { identity: async () => ({ tag: 'x', size: Number.NaN }) },
    { capabilities: { stageOut: true, list: true, remove: true, identity: 'none' as const } },
  ]) {
    const { store, bring, cache, usages } = await place(changes);
    await store.put('a', bytes('A'));
    expect(await bring('s3://bucket/a')).toEqual(['A']);
    expect((await cache.inspect()).names).toEqual([]);
    expect(usages).toEqual([{ hits: 0, misses: 0, hitBytes: 0, missBytes: 0, evictions: 0 }]);
  }
  const { bring, cache } = await place();
  const path = join(await temporaryFolder(), 'local');
  await writeFile(path, 'L');
  expect(await bring(path)).toEqual(['L']);
  expect((await cache.inspect()).names).toEqual([]);
});

test('what is missing is NOT_FOUND by name', async () => {
  const { bring } = await place();
  await expect(bring('s3://bucket/nope')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('nope'),
  });
});

test('passwords are no part of a key', () => {
  const identity = { tag: 'x', size: 1 };
  const of = (url: string) => contentKey(new DataFile(url), identity);
  expect(of('ftp://user:one@host/a')).toBe(of('ftp://user:other@host/a'));
  expect(of('ftp://user:one@host/a')).not.toBe(of('ftp://other:one@host/a'));
  expect(of('https://host/a?id=1')).not.toBe(of('https://host/a?id=2'));
  expect(of('s3://bucket/a:b@c')).not.toBe(of('s3://bucket/a:d@c'));
});
