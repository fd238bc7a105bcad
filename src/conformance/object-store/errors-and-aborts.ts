import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { bytes, keysOf, MEBIBYTE, partsOf, rejects } from './contents.js';
import type { Check } from './fixture.js';

/** Failures name what failed, and leave nothing behind. */
export function errorsAndAborts(check: Check): void {
  check('an object that is not there is NOT_FOUND, and head gives undefined', async ({ store }) => {
    const error = await rejects(store.get('no/such key'), 'NOT_FOUND');
    assert.match(error.message, /no\/such key/);
    await rejects(store.getStream('no/such key'), 'NOT_FOUND');
    assert.equal(await store.head('no/such key'), undefined);
  });

  check('a bucket that is not there is NOT_FOUND, whatever is asked of it', async ({ missingBucket }) => {
    if (missingBucket === undefined) return;
    const bucket = missingBucket.url.slice(missingBucket.url.lastIndexOf('/') + 1);
    for (const request of [
      () => missingBucket.get('key'),
      () => missingBucket.put('key', bytes('x')),
      () => missingBucket.head('key'),
      () => missingBucket.putParts('key', 9 * MEBIBYTE, partsOf(new Uint8Array(9 * MEBIBYTE))),
      () => missingBucket.deleteMany(['key']),
      () => keysOf(missingBucket),
    ]) {
      const error = await rejects(request(), 'NOT_FOUND');
      assert.ok(error.message.includes(bucket), error.message);
    }
  });

  check('an aborted request rejects with the reason of the abort', async ({ store }) => {
    await store.put('key', bytes('x'));
    const signal = AbortSignal.abort(new Error('not wanted'));
    for (const request of [
      () => store.get('key', { signal }),
      () => store.getStream('key', { signal }),
      () => store.put('other', bytes('x'), { signal }),
      () => store.head('key', { signal }),
      () => store.deleteMany(['key'], { signal }),
      () => store.putParts('other', 9 * MEBIBYTE, partsOf(new Uint8Array(9 * MEBIBYTE)), { signal }),
      () => keysOf(store, '', undefined, signal),
    ]) {
      await assert.rejects(request(), { message: 'not wanted' });
    }
    assert.deepEqual(await keysOf(store), ['key']);
  });

  check('aborting a stream half read rejects with the reason of the abort', async ({ store }) => {
    await store.put('stream', randomBytes(5 * MEBIBYTE));
    const stop = new AbortController();
    const { chunks } = await store.getStream('stream', { signal: stop.signal });
    await assert.rejects(
      async () => {
        for await (const chunk of chunks) if (chunk.length > 0) stop.abort(new Error('half is enough'));
      },
      { message: 'half is enough' },
    );
  });

  check('aborting a running upload leaves nothing', async ({ store, openUploads }) => {
    const stop = new AbortController();
    const read = async ({ start, end }: { start: number; end: number }) => {
      if (start > 8 * MEBIBYTE) stop.abort(new Error('enough'));
      return new Uint8Array(end - start + 1);
    };
    const upload = store.putParts('stopped', 40 * MEBIBYTE, read, { signal: stop.signal });
    await assert.rejects(upload, { message: 'enough' });
    assert.equal(await store.head('stopped'), undefined);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });
}
