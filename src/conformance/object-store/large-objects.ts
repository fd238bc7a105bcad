import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { collect, hash, MEBIBYTE, partsOf, rejects } from './contents.js';
import type { Check } from './fixture.js';

/** Large objects go in parts, in bounded memory. */
export function largeObjects(check: Check): void {
  check('an object of 20 MiB goes up in parts and comes back whole, and in ranges', async ({ store, openUploads }) => {
    const body = randomBytes(20 * MEBIBYTE + 17);
    const written = await store.putParts('large', body.length, partsOf(body));
    assert.equal(written.size, body.length);
    assert.equal(hash(await collect(store, 'large')), hash(body));
    const range = { start: 8 * MEBIBYTE - 3, end: 8 * MEBIBYTE + 3 };
    assert.deepEqual([...(await store.get('large', { range }))], [...body.subarray(range.start, range.end + 1)]);
    assert.equal((await store.head('large'))?.etag, written.etag);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });

  check('parts may be few: none, one, or one byte', async ({ store }) => {
    for (const size of [0, 1, 8 * MEBIBYTE]) {
      const body = randomBytes(size);
      await store.putParts(`size-${size}`, size, partsOf(body));
      assert.equal(hash(await store.get(`size-${size}`)), hash(body));
    }
  });

  check('a stream gives chunks far smaller than the object', async ({ store }) => {
    await store.put('stream', randomBytes(5 * MEBIBYTE));
    const { chunks } = await store.getStream('stream');
    let largest = 0;
    for await (const chunk of chunks) largest = Math.max(largest, chunk.length);
    assert.ok(largest > 0 && largest <= MEBIBYTE, `largest chunk: ${largest} bytes`);
  });

  check('a stream left early leaves the store usable', async ({ store }) => {
    await store.put('stream', randomBytes(5 * MEBIBYTE));
    for (let round = 0; round < 3; round += 1) {
      const { chunks } = await store.getStream('stream');
      for await (const chunk of chunks) if (chunk.length > 0) break;
    }
    assert.equal((await store.get('stream')).length, 5 * MEBIBYTE);
  });

  check('an upload whose source fails leaves nothing, and fails as the source did', async ({ store, openUploads }) => {
    const failure = new Error('the disk is gone');
    const read = async ({ start, end }: { start: number; end: number }) => {
      if (start > 8 * MEBIBYTE) throw failure;
      return new Uint8Array(end - start + 1);
    };
    await assert.rejects(store.putParts('broken', 30 * MEBIBYTE, read), (error) => error === failure);
    assert.equal(await store.head('broken'), undefined);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });

  check('an upload whose source comes up short leaves nothing', async ({ store, openUploads }) => {
    const read = async () => new Uint8Array(17);
    await rejects(store.putParts('short', 9 * MEBIBYTE, read), 'TRANSFER_FAILED');
    assert.equal(await store.head('short'), undefined);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });
}
