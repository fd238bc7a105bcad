import assert from 'node:assert/strict';

import { bytes, inByteOrder, inParallel, keysOf } from './contents.js';
import type { Check } from './fixture.js';

/** Listing is paged, pruned and in byte order. */
export function listing(check: Check): void {
  check('more than a thousand objects are listed page by page, in byte order, after a key', async ({ store }) => {
    const keys = Array.from({ length: 1_005 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
    await inParallel(keys, (key) => store.put(key, bytes(key)));
    assert.deepEqual(await keysOf(store, 'many/'), keys);
    assert.deepEqual(await keysOf(store, 'many/', 'many/1002'), ['many/1003', 'many/1004']);
    assert.deepEqual(await keysOf(store, 'many/', 'many/1002+'), ['many/1003', 'many/1004']);
    await store.deleteMany([...keys, 'many/never-there']);
    assert.deepEqual(await keysOf(store), []);
  });

  check('keys are ordered by their UTF-8 bytes, not as JavaScript orders strings', async ({ store }) => {
    const keys = ['Z', 'a', 'a b', 'a+b', 'a/b', 'ä', '\u{FF5E}', '😀'];
    await inParallel(keys, (key) => store.put(key, bytes(key)));
    assert.deepEqual(await keysOf(store), inByteOrder(keys));
    assert.deepEqual(await keysOf(store, '', '\u{FF5E}'), ['😀']);
  });

  check('a prefix is text, not a folder', async ({ store }) => {
    await inParallel(['log', 'log/1', 'log/2', 'logs', 'other'], (key) => store.put(key, bytes(key)));
    assert.deepEqual(await keysOf(store, 'log'), ['log', 'log/1', 'log/2', 'logs']);
    assert.deepEqual(await keysOf(store, 'log/'), ['log/1', 'log/2']);
    assert.deepEqual(await keysOf(store, 'nothing'), []);
  });

  check('deleting no keys, or keys without objects, succeeds', async ({ store }) => {
    await store.deleteMany([]);
    await store.deleteMany(['never', 'there', 'never']);
  });
}
