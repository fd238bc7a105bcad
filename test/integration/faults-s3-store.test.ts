import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultRule } from '../../src/local-cloud/faults/fault.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import type { S3StoreOptions } from '../../src/object-store/s3/s3-options.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';

let cloud: LocalCloud;
let s3: S3Client;
let store: ObjectStore;
const stores: ObjectStore[] = [];

/** Retries at once, so that what is tested is what is retried and not how long it waits. */
function storeWith(options: Partial<S3StoreOptions> = {}): ObjectStore {
  const { endpoint, region } = cloud;
  const credentials = { accessKeyId: 'LOCALCLOUDKEY', secretAccessKey: 'local-cloud-secret' };
  const retry = { baseDelayMs: 1, maxDelayMs: 5 };
  const made = createS3Store({ bucket: 'bucket', endpoint, region, credentials, retry, ...options });
  stores.push(made);
  return made;
}

beforeAll(async () => {
  cloud = await startLocalCloud();
  const credentials = { accessKeyId: 'LOCALCLOUDKEY', secretAccessKey: 'local-cloud-secret' };
  s3 = new S3Client({ endpoint: cloud.endpoint, region: cloud.region, credentials, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  store = storeWith();
});
afterAll(async () => {
  await Promise.all(stores.map((one) => one.close()));
  s3.destroy();
  await cloud.close();
});
beforeEach(() => cloud.faults.set([]));

const once = (rule: FaultRule): void => cloud.faults.set([{ times: 1, ...rule }]);
const injected = () => cloud.faults.counts().map((count) => count.injected);
const BODY = Buffer.alloc(400_000, 'abcdefg');
const same = (bytes: Uint8Array, expected: Uint8Array) => Buffer.from(bytes).equals(expected);
const uploads = async () => (await s3.send(new ListMultipartUploadsCommand({ Bucket: 'bucket' }))).Uploads ?? [];

const LOST_ANSWERS: readonly [string, FaultRule['fault']][] = [
  ['a 500', { kind: 'error', execution: 'after' }],
  ['a 503', { kind: 'error', code: 'ServiceUnavailable', execution: 'after' }],
  ['a cut connection', { kind: 'cut', where: 'answer' }],
];

describe.each(LOST_ANSWERS)('a write that was done and answered with %s', (name, fault) => {
  const key = (kind: string) => `${kind}/${name.replaceAll(' ', '-')}`;

  test('is done', async () => {
    once({ operation: 'PutObject', fault });
    const { etag } = await store.put(key('plain'), BODY);
    expect(injected()).toEqual([1]);
    expect(await store.head(key('plain'))).toMatchObject({ etag, size: BODY.length });
  });

  test('is not beaten by itself, and still by another', async () => {
    once({ operation: 'PutObject', fault });
    const { etag } = await store.put(key('absent'), BODY, { ifAbsent: true });
    expect(injected()).toEqual([1]);
    once({ operation: 'PutObject', fault });
    const replaced = await store.put(key('absent'), Buffer.from('new'), { ifMatch: etag });
    expect(replaced.etag).not.toBe(etag);
    const beaten = { code: 'PRECONDITION_FAILED' };
    await expect(store.put(key('absent'), BODY, { ifAbsent: true })).rejects.toMatchObject(beaten);
    await expect(store.put(key('absent'), BODY, { ifMatch: etag })).rejects.toMatchObject(beaten);
  });

  test('is done in parts as well, once, and no upload is left', async () => {
    const large = Buffer.alloc(12 * 2 ** 20, 'large');
    const read = async ({ start, end }: { start: number; end: number }) => large.subarray(start, end + 1);
    for (const options of [{}, { ifAbsent: true }]) {
      const at = key(options.ifAbsent === undefined ? 'parts' : 'parts-absent');
      cloud.faults.set([
        { operation: 'CompleteMultipartUpload', nth: 1, fault },
        { operation: 'UploadPart', nth: 2, fault },
      ]);
      await store.putParts(at, large.length, read, options);
      expect(injected()).toEqual([1, 1]);
      expect(same(await store.get(at), large)).toBe(true);
    }
    expect(await uploads()).toEqual([]);
  });
});

test('a 200 with an error in it is an error: the upload is completed by the next request', async () => {
  const large = Buffer.alloc(12 * 2 ** 20, 'large');
  once({ operation: 'CompleteMultipartUpload', fault: { kind: 'error', status: 200 } });
  await store.putParts('inside', large.length, async ({ start, end }) => large.subarray(start, end + 1));
  expect(injected()).toEqual([1]);
  expect(same(await store.get('inside'), large)).toBe(true);
});

test('a cut upload leaves nothing half-written, and is sent again', async () => {
  once({ operation: 'PutObject', fault: { kind: 'cut', where: 'upload' } });
  await store.put('cut', BODY);
  expect(injected()).toEqual([1]);
  expect(same(await store.get('cut'), BODY)).toBe(true);
  cloud.faults.set([{ operation: 'PutObject', fault: { kind: 'cut', where: 'upload' } }]);
  await expect(store.put('never', BODY)).rejects.toMatchObject({ code: 'SERVICE_FAILED', class: 'infrastructure' });
  cloud.faults.set([]);
  expect(await store.head('never')).toBeUndefined();
});

describe('a read', () => {
  test('that is cut, again and again, goes on where it was', async () => {
    await store.put('read', BODY);
    cloud.faults.set([{ operation: 'GetObject', times: 4, fault: { kind: 'cut', where: 'body' } }]);
    const { chunks } = await store.getStream('read');
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    expect(same(Buffer.concat(parts), BODY)).toBe(true);
    expect(cloud.faults.counts()).toMatchObject([{ matched: 5, injected: 4 }]);
  });

  test('that is slow, and never silent for long, is waited for', async () => {
    await store.put('slow', BODY);
    once({ operation: 'GetObject', fault: { kind: 'slow', bytesPerSecond: 800_000 } });
    expect(same(await storeWith({ idleTimeoutMs: 300 }).get('slow'), BODY)).toBe(true);
    expect(injected()).toEqual([1]);
  });

  test('that is silent for longer than a connection may be is asked again', async () => {
    await store.put('silent', BODY);
    once({ operation: 'GetObject', fault: { kind: 'slow', latencyMs: 20_000 } });
    expect(same(await storeWith({ idleTimeoutMs: 200 }).get('silent'), BODY)).toBe(true);
    expect(cloud.faults.counts()).toMatchObject([{ matched: 2, injected: 1 }]);
  });

  test('that would take longer than its deadline says so', async () => {
    await store.put('endless', BODY);
    cloud.faults.set([{ operation: 'GetObject', fault: { kind: 'slow', bytesPerSecond: 10_000 } }]);
    const hasty = storeWith({ retry: { deadlineMs: 500 } });
    await expect(hasty.get('endless')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/s3:\/\/bucket\/endless: no complete answer within 500 ms/),
    });
  });
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
