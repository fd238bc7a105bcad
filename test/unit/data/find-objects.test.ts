import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findObjects } from '../../../src/data/objects/find-objects.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import type { ObjectStore } from '../../../src/object-store/object-store.js';

const { signal } = new AbortController();

/** A store with objects of those keys, which counts what a service would be asked. */
async function storeOf(keys: Iterable<string>) {
  const store = createMemoryStore({ bucket: 'bucket' });
  for (const key of keys) await store.put(key, Buffer.from(key));
  const asked = { heads: 0, pages: 0 };
  const counting: ObjectStore = {
    ...store,
    head: (key, options) => {
      asked.heads += 1;
      return store.head(key, options);
    },
    async *listAfter(prefix, options) {
      let count = 0;
      for await (const info of store.listAfter(prefix, options)) {
        if (count % 1_000 === 0) asked.pages += 1;
        count += 1;
        yield info;
      }
    },
  };
  return { store: counting, asked };
}

async function found(store: ObjectStore, wanted: readonly string[]): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of findObjects(store, wanted, signal)) keys.push(key);
  return keys.sort();
}

const key = fc.string({
  unit: fc.constantFrom('a', 'b', '/', '\u0001', 'é', '\u{E000}', '😀'),
  minLength: 1,
  maxLength: 5,
});

test('it finds what is there, and nothing else, however the keys lie', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 60 }),
      fc.array(key, { maxLength: 60 }),
      async (there, others) => {
        const { store } = await storeOf(there);
        const wanted = [...there.filter((_, index) => index % 3 !== 0), ...others];
        const expected = [...new Set(wanted)].filter((one) => there.includes(one)).sort();
        expect(await found(store, wanted)).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});

test('14,000 names of one folder take as many requests as their listing has pages', async () => {
  const keys = Array.from({ length: 14_000 }, (_, index) => `data/${index}.bin`);
  const { store, asked } = await storeOf(keys);
  const missing = Array.from({ length: 500 }, (_, index) => `data/${index}.txt`);
  expect(await found(store, [...keys, ...missing])).toHaveLength(14_000);
  expect(asked).toEqual({ heads: 0, pages: 14 });
});

test('names far from each other are asked for one by one', async () => {
  const keys = Array.from({ length: 30_000 }, (_, index) => `data/${String(index).padStart(5, '0')}`);
  const { store, asked } = await storeOf(keys);
  const wanted = keys.filter((_, index) => index % 3_000 === 0);
  expect(await found(store, wanted)).toEqual(wanted);
  expect(asked.heads).toBeLessThanOrEqual(10);
  expect(asked.pages).toBeLessThanOrEqual(6);
});

test('a folder of unwanted names between two wanted ones is skipped', async () => {
  const near = (folder: string) => Array.from({ length: 20 }, (_, index) => `${folder}/${index}`);
  const between = Array.from({ length: 20_000 }, (_, index) => `m/${index}`);
  const { store, asked } = await storeOf([...near('a'), ...between, ...near('z')]);
  expect(await found(store, [...near('a'), ...near('z')])).toHaveLength(40);
  expect(asked.pages + asked.heads).toBeLessThanOrEqual(4);
});
