import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ReadPart } from '../../src/object-store/object-store.js';
import { BUCKET, type FaultyBucket, type FaultyStore, lostAnswers, openFaultyBucket } from './faulty-bucket.js';

/**
 * Declares the tests of a store whose service fails, breaks off, is slow or refuses: what is asked of the store is done
 * all the same, and once, or it fails by name and leaves nothing. Each test begins without faults.
 *
 * @returns what the calling file's own tests work with; valid within a test.
 */
export function storeFaults(kind: FaultyStore): () => FaultyBucket {
  let bucket: FaultyBucket;
  beforeAll(async () => {
    bucket = await openFaultyBucket(kind);
  });
  afterAll(() => bucket?.close());
  beforeEach(() => bucket.faults.set([]));
  const use = () => bucket;
  writesWithoutAnswer(kind, use);
  cutUploads(kind, use);
  brokenReads(kind, use);
  slowReads(kind, use);
  manyRequests(kind, use);
  return use;
}

/** Goes as one request. */
export const BODY: Buffer = Buffer.alloc(400_000, 'abcdefg');
/** Goes in three parts. */
export const LARGE: Buffer = Buffer.alloc(20 * 2 ** 20 + 11, 'large');
/** Gives the parts of it. */
export const partsOf =
  (whole: Buffer): ReadPart =>
  async ({ start, end }) =>
    whole.subarray(start, end + 1);
/** Whether it is this; `toEqual` would take long, and print all of it. */
export const same = (bytes: Uint8Array, expected: Uint8Array): boolean => Buffer.from(bytes).equals(expected);

function writesWithoutAnswer(kind: FaultyStore, use: () => FaultyBucket): void {
  const operation = kind.operations.put;
  describe.each(lostAnswers(kind))('a write that was done and answered with %s', (name, fault) => {
    const key = (part: string) => `${part}/${name.replaceAll(' ', '-')}`;

    test('is done', async () => {
      const { store, once, injected } = use();
      once({ operation, fault });
      const { etag } = await store.put(key('plain'), BODY);
      expect(injected()).toEqual([1]);
      expect(await store.head(key('plain'))).toMatchObject({ etag, size: BODY.length });
    });

    test('is not beaten by itself, and still by another', async () => {
      const { store, once, injected } = use();
      once({ operation, fault });
      const { etag } = await store.put(key('absent'), BODY, { ifAbsent: true });
      expect(injected()).toEqual([1]);
      once({ operation, fault });
      const replaced = await store.put(key('absent'), Buffer.from('new'), { ifMatch: etag });
      expect(replaced.etag).not.toBe(etag);
      const beaten = { code: 'PRECONDITION_FAILED' };
      await expect(store.put(key('absent'), BODY, { ifAbsent: true })).rejects.toMatchObject(beaten);
      await expect(store.put(key('absent'), BODY, { ifMatch: etag })).rejects.toMatchObject(beaten);
    });

    test('is done in parts as well, once, and no upload is left', async () => {
      const { store, faults, injected, uploads } = use();
      for (const options of [{}, { ifAbsent: true }]) {
        const at = key(options.ifAbsent === undefined ? 'parts' : 'parts-absent');
        const before = await uploads();
        faults.set(kind.lostInParts.map((request) => ({ ...request, fault })));
        const { etag } = await store.putParts(at, LARGE.length, partsOf(LARGE), options);
        expect(injected()).toEqual(kind.lostInParts.map(() => 1));
        expect(same(await store.get(at), LARGE)).toBe(true);
        expect((await store.head(at))?.etag).toBe(etag);
        expect(await uploads()).toBe(before + kind.leftByLostParts);
      }
    });
  });
}

function cutUploads({ operations: { put, putPart }, lateErrors }: FaultyStore, use: () => FaultyBucket): void {
  describe('a cut upload', () => {
    test('leaves nothing half-written, and is sent again', async () => {
      const { store, faults, once, injected } = use();
      once({ operation: put, fault: { kind: 'cut', where: 'upload' } });
      await store.put('cut', BODY);
      expect(injected()).toEqual([1]);
      expect(same(await store.get('cut'), BODY)).toBe(true);
      faults.set([{ operation: put, fault: { kind: 'cut', where: 'upload' } }]);
      await expect(store.put('never', BODY)).rejects.toMatchObject({ code: 'SERVICE_FAILED', class: 'infrastructure' });
      faults.set([]);
      expect(await store.head('never')).toBeUndefined();
    });

    test('that never gets through is ended, and its object is not there', async () => {
      const { store, faults, uploads } = use();
      const before = await uploads();
      faults.set([{ operation: putPart, fault: { kind: 'error', code: lateErrors['a 503'] } }]);
      const sent = store.putParts('never', LARGE.length, partsOf(LARGE));
      await expect(sent).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
      faults.set([]);
      expect(await store.head('never')).toBeUndefined();
      expect(await uploads()).toBe(before);
    });
  });
}

function brokenReads({ operations: { get: operation } }: FaultyStore, use: () => FaultyBucket): void {
  describe('a read', () => {
    test('that is cut, again and again, goes on where it was', async () => {
      const { store, faults } = use();
      await store.put('read', BODY);
      faults.set([{ operation, times: 4, fault: { kind: 'cut', where: 'body' } }]);
      const { chunks } = await store.getStream('read');
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      expect(same(Buffer.concat(parts), BODY)).toBe(true);
      expect(faults.counts()).toMatchObject([{ matched: 5, injected: 4 }]);
    });

    test('of an object that is replaced in its midst is no mixture', async () => {
      const { store, once } = use();
      await store.put('replaced', BODY);
      once({ operation, fault: { kind: 'cut', where: 'body' } });
      const { chunks } = await store.getStream('replaced');
      await store.put('replaced', Buffer.alloc(BODY.length, 'z'));
      const reading = (async () => {
        for await (const chunk of chunks) expect(chunk.includes(0x7a)).toBe(false);
      })();
      const changed = { code: 'TRANSFER_FAILED', message: expect.stringMatching(/changed/) };
      await expect(reading).rejects.toMatchObject(changed);
    });
  });
}

function slowReads({ scheme, operations: { get: operation } }: FaultyStore, use: () => FaultyBucket): void {
  describe('a read', () => {
    test('that is slow, and never silent for long, is waited for', async () => {
      const { store, storeWith, once, injected } = use();
      await store.put('slow', BODY);
      once({ operation, fault: { kind: 'slow', bytesPerSecond: 800_000 } });
      expect(same(await storeWith({ idleTimeoutMs: 300 }).get('slow'), BODY)).toBe(true);
      expect(injected()).toEqual([1]);
    });

    test('that is silent for longer than a connection may be is asked again', async () => {
      const { store, storeWith, faults, once } = use();
      await store.put('silent', BODY);
      once({ operation, fault: { kind: 'slow', latencyMs: 20_000 } });
      expect(same(await storeWith({ idleTimeoutMs: 200 }).get('silent'), BODY)).toBe(true);
      expect(faults.counts()).toMatchObject([{ matched: 2, injected: 1 }]);
    });

    test('that would take longer than its deadline says so', async () => {
      const { store, storeWith, faults } = use();
      await store.put('endless', BODY);
      faults.set([{ operation, fault: { kind: 'slow', bytesPerSecond: 10_000 } }]);
      const hasty = storeWith({ retry: { deadlineMs: 500 } });
      await expect(hasty.get('endless')).rejects.toMatchObject({
        code: 'SERVICE_FAILED',
        message: expect.stringContaining(`${scheme}://${BUCKET}/endless: no complete answer within 500 ms`),
      });
    });
  });
}

function manyRequests({ operations: { put: operation } }: FaultyStore, use: () => FaultyBucket): void {
  test('a burst of throttling is waited out', async () => {
    const { store, faults, injected } = use();
    faults.set([{ operation, nth: 2, fault: { kind: 'throttleBurst', requests: 4 } }]);
    for (let round = 0; round < 3; round += 1) await store.put('burst', BODY);
    expect(injected()).toEqual([4]);
  });

  test('listings and deletions survive what everything else does', async () => {
    const { store, faults, injected } = use();
    const keys = Array.from({ length: 30 }, (_, index) => `many/${String(index).padStart(2, '0')}`);
    faults.set([{ every: 3, fault: { kind: 'error', execution: 'after' } }]);
    await Promise.all(keys.map((key) => store.put(key, Buffer.from(key))));
    const listed: string[] = [];
    for await (const { key } of store.listAfter('many/')) listed.push(key);
    expect(listed).toEqual(keys);
    await store.deleteMany(keys);
    for await (const { key } of store.listAfter('many/')) expect(key).toBe('gone');
    expect(injected()[0]).toBeGreaterThan(10);
  });
}
