import assert from 'node:assert/strict';

import {
  bytes,
  collect,
  drained,
  inByteOrder,
  inParallel,
  keysOf,
  LONGEST_KEY,
  MEBIBYTE,
  ODD_KEYS,
  partsOf,
  rejects,
  TOO_LONG_KEY,
  text,
} from './contents.js';
import type { Check } from './fixture.js';

/** What was put comes back. */
export function roundTrips(check: Check): void {
  check('an object of no bytes comes back', async ({ store }) => {
    const written = await store.put('empty', new Uint8Array());
    assert.equal(written.size, 0);
    assert.equal((await store.get('empty')).length, 0);
    assert.equal((await collect(store, 'empty')).length, 0);
    assert.equal((await store.head('empty'))?.size, 0);
  });

  check('a small object comes back with the size and entity tag it was written with', async ({ store }) => {
    const written = await store.put('small', bytes('hello'), { contentType: 'text/plain' });
    assert.deepEqual(text(await store.get('small')), 'hello');
    assert.doesNotMatch(written.etag, /"/);
    const found = await store.head('small');
    assert.deepEqual([found?.key, found?.size, found?.etag], ['small', 5, written.etag]);
    const { info } = await store.getStream('small').then(drained);
    assert.deepEqual([info.key, info.size, info.etag], ['small', 5, written.etag]);
    assert.ok(Math.abs(Date.now() - info.lastModifiedMs) < 3_600_000, 'the time of writing is about now');
  });

  check('writing again replaces the content and changes the entity tag', async ({ store }) => {
    const first = await store.put('again', bytes('one'));
    const second = await store.put('again', bytes('two'));
    assert.notEqual(first.etag, second.etag);
    assert.equal(text(await store.get('again')), 'two');
  });

  check('what a caller does with its bytes afterwards changes no object', async ({ store }) => {
    const body = bytes('kept');
    await store.put('own', body);
    body.fill(0);
    (await store.get('own')).fill(0);
    assert.equal(text(await store.get('own')), 'kept');
  });

  check('keys are taken as they are', async ({ store, gaps }) => {
    const refused = gaps?.refusedKeys ?? {};
    const keys = [...ODD_KEYS, LONGEST_KEY].filter((key) => !Object.hasOwn(refused, key));
    await inParallel(keys, (key) => store.put(key, bytes(key)));
    await inParallel(keys, async (key) => {
      assert.equal(Buffer.from(await store.get(key)).toString(), key);
      assert.equal((await store.head(key))?.key, key);
    });
    assert.deepEqual(await keysOf(store), inByteOrder(keys));
    for (const [key, code] of Object.entries(refused)) await rejects(store.put(key, bytes(key)), code);
    await store.deleteMany(keys);
    assert.deepEqual(await keysOf(store), []);
  });

  check('a key that no object can have is refused before anything is done', async ({ store }) => {
    await store.put('kept', bytes('x'));
    for (const key of ['', TOO_LONG_KEY, 'half \ud83d a letter']) {
      for (const request of [
        () => store.put(key, bytes('x')),
        () => store.putParts(key, 9 * MEBIBYTE, partsOf(new Uint8Array(9 * MEBIBYTE))),
        () => store.get(key),
        () => store.getStream(key),
        () => store.head(key),
        () => store.deleteMany(['kept', key]),
        () => store.presign(key, { method: 'GET', expiresInSeconds: 60 }),
      ]) {
        await rejects(request(), 'INVALID_OPTIONS');
      }
    }
    assert.deepEqual(await keysOf(store), ['kept']);
  });

  check('a range gives its bytes, both ends included, and the size of the whole', async ({ store }) => {
    await store.put('digits', bytes('0123456789'));
    assert.equal(text(await store.get('digits', { range: { start: 0, end: 0 } })), '0');
    assert.equal(text(await store.get('digits', { range: { start: 3, end: 5 } })), '345');
    assert.equal(text(await store.get('digits', { range: { start: 8, end: 99 } })), '89');
    const { info } = await store.getStream('digits', { range: { start: 1, end: 2 } }).then(drained);
    assert.equal(info.size, 10);
    await rejects(store.get('digits', { range: { start: 10, end: 12 } }), 'INVALID_OPTIONS');
  });

  check('what is no range is refused, and never the whole object', async ({ store }) => {
    await store.put('digits', bytes('0123456789'));
    for (const [start, end] of [
      [5, 4],
      [-3, 2],
      [0, 1.5],
      [0, Number.NaN],
    ] as const) {
      await rejects(store.get('digits', { range: { start, end } }), 'INVALID_OPTIONS');
      await rejects(store.getStream('digits', { range: { start, end } }), 'INVALID_OPTIONS');
    }
  });

  check('an object of no bytes has no range', async ({ store }) => {
    await store.put('empty', new Uint8Array());
    await rejects(store.get('empty', { range: { start: 0, end: 0 } }), 'INVALID_OPTIONS');
  });
}
