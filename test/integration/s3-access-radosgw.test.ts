import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { SluiceError } from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import type { S3StoreOptions } from '../../src/object-store/s3/s3-options.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { findRadosgw, type Radosgw, startRadosgw } from './radosgw-server.js';

const LARGE = Buffer.alloc(9 * 2 ** 20, 'x');

describe.skipIf(!findRadosgw())('access to buckets of radosgw', () => {
  const bucket = `b-${randomUUID()}`;
  let radosgw: Radosgw;
  let client: S3Client;
  const stores: ObjectStore[] = [];
  const storeWith = (options: Partial<S3StoreOptions>): ObjectStore => {
    const store = createS3Store({ bucket, endpoint: radosgw.endpoint, ...options });
    stores.push(store);
    return store;
  };
  beforeAll(async () => {
    radosgw = await startRadosgw();
    const { endpoint, credentials } = radosgw;
    client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    await storeWith({ credentials, region: 'us-east-1' }).put('a.txt', Buffer.from('text'));
  }, 200_000);
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    client?.destroy();
    await radosgw?.close();
  });

  test('unsigned requests read what a policy opens to everybody, and nothing before it does', async () => {
    const store = storeWith({ anonymous: true });
    expect(await failureOf<SluiceError>(store.get('a.txt'))).toMatchObject({ code: 'ACCESS_DENIED' });
    const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
    const Action = ['s3:GetObject', 's3:ListBucket'];
    const Policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action, Resource }] };
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(Policy) }));
    expect(Buffer.from(await store.get('a.txt')).toString()).toBe('text');
    const keys: string[] = [];
    for await (const { key } of store.listAfter('')) keys.push(key);
    expect(keys).toEqual(['a.txt']);
    expect(await failureOf<SluiceError>(store.put('b.txt', LARGE))).toMatchObject({ code: 'ACCESS_DENIED' });
  });

  test('requests that agree to pay are signed as it wants them, of every kind', async () => {
    const RequestPaymentConfiguration = { Payer: 'Requester' } as const;
    await client.send(new PutBucketRequestPaymentCommand({ Bucket: bucket, RequestPaymentConfiguration }));
    const store = storeWith({ credentials: radosgw.credentials, region: 'us-east-1', requesterPays: true });
    await store.putParts('large', LARGE.length, async ({ start, end }) => LARGE.subarray(start, end + 1));
    expect((await store.get('large', { range: { start: 0, end: 9 } })).byteLength).toBe(10);
    await store.deleteMany(['large']);
    expect(await store.head('large')).toBeUndefined();
    // Nobody can pay who does not say who he is.
    const anonymous = storeWith({ anonymous: true });
    expect(await failureOf<SluiceError>(anonymous.get('a.txt'))).toMatchObject({ code: 'ACCESS_DENIED' });
  });
});
