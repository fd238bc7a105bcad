import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultRule } from '../../src/local-cloud/faults/fault.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { GcsStoreOptions } from '../../src/object-store/gcs/gcs-options.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';

let cloud: LocalCloud;
let folder: string;
let store: ObjectStore;
const stores: ObjectStore[] = [];

/** Retries at once, so that what is tested is what is retried and not how long it waits. */
function storeWith(options: Partial<GcsStoreOptions> = {}): ObjectStore {
  const retry = { baseDelayMs: 1, maxDelayMs: 5 };
  const made = createGcsStore({ bucket: 'bucket', endpoint: cloud.endpoint, retry, ...options });
  stores.push(made);
  return made;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
  cloud = await startLocalCloud({ folder });
  await new Storage({ apiEndpoint: cloud.endpoint, projectId: 'local-cloud' }).createBucket('bucket');
  store = storeWith();
});
afterAll(async () => {
  await Promise.all(stores.map((one) => one.close()));
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => cloud.faults.set([]));

const once = (rule: FaultRule): void => cloud.faults.set([{ times: 1, ...rule }]);
const injected = () => cloud.faults.counts().map((count) => count.injected);
const BODY = Buffer.alloc(400_000, 'abcdefg');
const LARGE = Buffer.alloc(20 * 2 ** 20 + 11, 'large');
const readLarge = async ({ start, end }: { start: number; end: number }) => LARGE.subarray(start, end + 1);
const same = (bytes: Uint8Array, expected: Uint8Array) => Buffer.from(bytes).equals(expected);
const sessions = async () => (await readdir(join(folder, 'gcs/buckets/bucket/sessions'))).length;

const LOST_ANSWERS: readonly [string, FaultRule['fault']][] = [
  ['a 500', { kind: 'error', execution: 'after' }],
  ['a 503', { kind: 'error', code: 'backendError', execution: 'after' }],
  ['a 429', { kind: 'error', code: 'rateLimitExceeded', execution: 'after' }],
  ['a cut connection', { kind: 'cut', where: 'answer' }],
];

describe.each(LOST_ANSWERS)('a write that was done and answered with %s', (name, fault) => {
  const key = (kind: string) => `${kind}/${name.replaceAll(' ', '-')}`;

  test('is done', async () => {
    once({ operation: 'storage.objects.insert', fault });
    const { etag } = await store.put(key('plain'), BODY);
    expect(injected()).toEqual([1]);
    expect(await store.head(key('plain'))).toMatchObject({ etag, size: BODY.length });
  });

  test('is not beaten by itself, and still by another', async () => {
    once({ operation: 'storage.objects.insert', fault });
    const { etag } = await store.put(key('absent'), BODY, { ifAbsent: true });
    expect(injected()).toEqual([1]);
    once({ operation: 'storage.objects.insert', fault });
    const replaced = await store.put(key('absent'), Buffer.from('new'), { ifMatch: etag });
    expect(replaced.etag).not.toBe(etag);
    const beaten = { code: 'PRECONDITION_FAILED' };
    await expect(store.put(key('absent'), BODY, { ifAbsent: true })).rejects.toMatchObject(beaten);
    await expect(store.put(key('absent'), BODY, { ifMatch: etag })).rejects.toMatchObject(beaten);
  });

  test('is done in parts as well, once, and no upload is left', async () => {
    for (const options of [{}, { ifAbsent: true }]) {
      const at = key(options.ifAbsent === undefined ? 'parts' : 'parts-absent');
      cloud.faults.set([
        { operation: 'storage.objects.startUpload', nth: 1, fault },
        { operation: 'storage.objects.upload', nth: 2, fault },
        // Each failure is followed by the question how it stands.
        { operation: 'storage.objects.upload', nth: 3, fault },
      ]);
      const { etag } = await store.putParts(at, LARGE.length, readLarge, options);
      expect(injected()).toEqual([1, 1, 1]);
      expect(same(await store.get(at), LARGE)).toBe(true);
      expect((await store.head(at))?.etag).toBe(etag);
    }
  });
});

test('of uploads whose beginning got lost nothing is left that costs or is seen', async () => {
  // The service forgets a session whose URL nobody has; here they lie among its files.
  expect(await sessions()).toBe(2 * LOST_ANSWERS.length);
  for await (const { key } of store.listAfter('parts/')) expect(key).toMatch(/^parts\/a-/);
});

describe('a cut upload', () => {
  test('leaves nothing half-written, and is sent again', async () => {
    once({ operation: 'storage.objects.insert', fault: { kind: 'cut', where: 'upload' } });
    await store.put('cut', BODY);
    expect(injected()).toEqual([1]);
    expect(same(await store.get('cut'), BODY)).toBe(true);
    cloud.faults.set([{ operation: 'storage.objects.insert', fault: { kind: 'cut', where: 'upload' } }]);
    await expect(store.put('never', BODY)).rejects.toMatchObject({ code: 'SERVICE_FAILED', class: 'infrastructure' });
    cloud.faults.set([]);
    expect(await store.head('never')).toBeUndefined();
  });

  test('of a part goes on from what had come of it, again and again', async () => {
    cloud.faults.set([{ operation: 'storage.objects.upload', every: 3, fault: { kind: 'cut', where: 'upload' } }]);
    const larger = Buffer.concat([LARGE, LARGE]);
    const read = async ({ start, end }: { start: number; end: number }) => larger.subarray(start, end + 1);
    const info = await store.putParts('cut-parts', larger.length, read);
    expect(injected()[0]).toBeGreaterThan(1);
    expect(info.size).toBe(larger.length);
    cloud.faults.set([]);
    expect(same(await store.get('cut-parts'), larger)).toBe(true);
  });

  test('that never gets through is ended, and its object is not there', async () => {
    const before = await sessions();
    cloud.faults.set([{ operation: 'storage.objects.upload', fault: { kind: 'error', code: 'backendError' } }]);
    await expect(store.putParts('never', LARGE.length, readLarge)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    cloud.faults.set([]);
    expect(await store.head('never')).toBeUndefined();
    expect(await sessions()).toBe(before);
  });
});

describe('a read', () => {
  test('that is cut, again and again, goes on where it was', async () => {
    await store.put('read', BODY);
    cloud.faults.set([{ operation: 'storage.objects.download', times: 4, fault: { kind: 'cut', where: 'body' } }]);
    const { chunks } = await store.getStream('read');
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    expect(same(Buffer.concat(parts), BODY)).toBe(true);
    expect(cloud.faults.counts()).toMatchObject([{ matched: 5, injected: 4 }]);
  });

  test('of an object that is replaced in its midst is no mixture', async () => {
    await store.put('replaced', BODY);
    once({ operation: 'storage.objects.download', fault: { kind: 'cut', where: 'body' } });
    const { chunks } = await store.getStream('replaced');
    await store.put('replaced', Buffer.alloc(BODY.length, 'z'));
    const reading = (async () => {
      for await (const chunk of chunks) expect(chunk.includes(0x7a)).toBe(false);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringMatching(/changed/) });
  });

  test('that is slow, and never silent for long, is waited for', async () => {
    await store.put('slow', BODY);
    once({ operation: 'storage.objects.download', fault: { kind: 'slow', bytesPerSecond: 800_000 } });
    expect(same(await storeWith({ idleTimeoutMs: 300 }).get('slow'), BODY)).toBe(true);
    expect(injected()).toEqual([1]);
  });

  test('that is silent for longer than a connection may be is asked again', async () => {
    await store.put('silent', BODY);
    once({ operation: 'storage.objects.download', fault: { kind: 'slow', latencyMs: 20_000 } });
    expect(same(await storeWith({ idleTimeoutMs: 200 }).get('silent'), BODY)).toBe(true);
    expect(cloud.faults.counts()).toMatchObject([{ matched: 2, injected: 1 }]);
  });

  test('that would take longer than its deadline says so', async () => {
    await store.put('endless', BODY);
    cloud.faults.set([{ operation: 'storage.objects.download', fault: { kind: 'slow', bytesPerSecond: 10_000 } }]);
    const hasty = storeWith({ retry: { deadlineMs: 500 } });
    await expect(hasty.get('endless')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/gs:\/\/bucket\/endless: no complete answer within 500 ms/),
    });
  });
});

test('a burst of throttling is waited out', async () => {
  cloud.faults.set([{ nth: 2, service: 'gcs', fault: { kind: 'throttleBurst', requests: 4 } }]);
  for (let round = 0; round < 3; round += 1) await store.put('burst', BODY);
  expect(injected()).toEqual([4]);
});

test('listings and deletions survive what everything else does', async () => {
  const keys = Array.from({ length: 30 }, (_, index) => `many/${String(index).padStart(2, '0')}`);
  cloud.faults.set([{ every: 3, fault: { kind: 'error', execution: 'after' } }]);
  await Promise.all(keys.map((key) => store.put(key, Buffer.from(key))));
  const listed: string[] = [];
  for await (const { key } of store.listAfter('many/')) listed.push(key);
  expect(listed).toEqual(keys);
  await store.deleteMany(keys);
  for await (const { key } of store.listAfter('many/')) expect(key).toBe('gone');
  expect(injected()[0]).toBeGreaterThan(10);
});
