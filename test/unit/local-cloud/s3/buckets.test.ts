import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, type S3Server, startS3Server } from './s3-server.js';

let s3: S3Server;

beforeAll(async () => {
  s3 = await startS3Server('eu-west-1');
});
afterAll(() => s3.close());

const create = (Bucket: string) => answerOf(s3.client.send(new CreateBucketCommand({ Bucket })));

describe('a bucket', () => {
  test('is created once, found, listed and deleted', async () => {
    expect(await create('first.bucket')).toBe('ok');
    expect(await create('first.bucket')).toBe('BucketAlreadyOwnedByYou 409');
    const head = await s3.client.send(new HeadBucketCommand({ Bucket: 'first.bucket' }));
    expect(head.BucketRegion).toBe('eu-west-1');
    const location = await s3.client.send(new GetBucketLocationCommand({ Bucket: 'first.bucket' }));
    expect(location.LocationConstraint).toBe('eu-west-1');
    const { Buckets } = await s3.client.send(new ListBucketsCommand({}));
    expect(Buckets?.map((bucket) => bucket.Name)).toEqual(['first.bucket']);
    expect(await answerOf(s3.client.send(new DeleteBucketCommand({ Bucket: 'first.bucket' })))).toBe('ok');
    expect(await answerOf(s3.client.send(new DeleteBucketCommand({ Bucket: 'first.bucket' })))).toBe(
      'NoSuchBucket 404',
    );
    expect(await answerOf(s3.client.send(new HeadBucketCommand({ Bucket: 'first.bucket' })))).toBe('NotFound 404');
  });

  test.each(['ab', 'Upper', 'under_score', '-dash', 'dash-', 'dot..dot', '192.168.0.1', 'xn--x', 'a'.repeat(64)])(
    'is not created under the name %s',
    async (name) => {
      expect(await create(name)).toBe('InvalidBucketName 400');
    },
  );

  test('cannot be made elsewhere than in its region', async () => {
    const elsewhere = new CreateBucketCommand({
      Bucket: 'elsewhere',
      CreateBucketConfiguration: { LocationConstraint: 'us-west-2' },
    });
    expect(await answerOf(s3.client.send(elsewhere))).toBe('IllegalLocationConstraintException 400');
  });

  test('is not deleted while it holds an object, and can be made anew afterwards', async () => {
    const Bucket = 'held';
    await create(Bucket);
    await s3.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    expect(await answerOf(s3.client.send(new DeleteBucketCommand({ Bucket })))).toBe('BucketNotEmpty 409');
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
    expect(await answerOf(s3.client.send(new DeleteBucketCommand({ Bucket })))).toBe('ok');
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' });
    expect(await answerOf(s3.client.send(put))).toBe('NoSuchBucket 404');
    expect(await answerOf(s3.client.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toBe('NoSuchBucket 404');
    expect(await create(Bucket)).toBe('ok');
  });

  test('of twenty racing creators belongs to one', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create('raced')));
    expect(answers.filter((answer) => answer === 'ok')).toHaveLength(1);
  });

  test('keeps its lifecycle rules and gives them back', async () => {
    const Bucket = 'lifecycle';
    await create(Bucket);
    const get = new GetBucketLifecycleConfigurationCommand({ Bucket });
    expect(await answerOf(s3.client.send(get))).toBe('NoSuchLifecycleConfiguration 404');
    const rule = { ID: 'temporary', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 1 } } as const;
    await s3.client.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } }),
    );
    expect((await s3.client.send(get)).Rules).toEqual([rule]);
    await s3.client.send(new DeleteBucketLifecycleCommand({ Bucket }));
    expect(await answerOf(s3.client.send(get))).toBe('NoSuchLifecycleConfiguration 404');
  });

  test('refuses settings it does not have', async () => {
    await create('settings');
    expect(await answerOf(s3.client.send(new GetBucketVersioningCommand({ Bucket: 'settings' })))).toBe(
      'NotImplemented 501',
    );
  });
});
