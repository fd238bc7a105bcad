import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerOf, dataBlocks, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'durable';
let s3: S3Server;

beforeEach(async () => {
  s3 = await startS3Server();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterEach(() => s3.close());

const keys = async () =>
  (await s3.client.send(new ListObjectsV2Command({ Bucket }))).Contents?.map((one) => one.Key) ?? [];

test('objects and unfinished uploads survive a restart', async () => {
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'ünï/..', Body: 'kept', Metadata: { a: 'b' } }));
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
  const { ETag } = await s3.client.send(
    new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'part' }),
  );
  await s3.restart();
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'ünï/..', ChecksumMode: 'ENABLED' }));
  expect(await got.Body?.transformToString()).toBe('kept');
  expect(got.Metadata).toEqual({ a: 'b' });
  await s3.client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key: 'parts',
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    }),
  );
  await s3.restart();
  expect(await keys()).toEqual(['parts', 'ünï/..']);
});

test('what a killed server left half-written is removed at start, and nothing else', async () => {
  const bucket = join(s3.folder, 's3', Bucket);
  const log = join(bucket, 'objects.jsonl');
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
  const whole = await readFile(log, 'utf8');
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'lost', Body: randomBytes(100_000) }));
  await mkdir(join(bucket, 'data', 'xx'));
  await writeFile(join(bucket, 'data', 'xx', 'orphan'), 'half');
  await writeFile(`${log}.unfinished`, '{"put":');
  await truncate(log, (await stat(log)).size - 1);
  await s3.restart();
  expect(await keys()).toEqual(['kept']);
  expect(await readFile(log, 'utf8')).toBe(whole);
  expect(await readdir(bucket)).not.toContain('objects.jsonl.unfinished');
  expect(await dataBlocks(s3, Bucket)).toBe(1);
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'kept' }));
  expect(await Body?.transformToString()).toBe('kept');
});

test('objects that were deleted do not come back, and those that were replaced are the last ones', async () => {
  for (const Body of ['one', 'two']) await s3.client.send(new PutObjectCommand({ Bucket, Key: 'twice', Body }));
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'gone', Body: 'gone' }));
  await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'gone' }));
  await s3.restart();
  expect(await keys()).toEqual(['twice']);
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'twice' }));
  expect(await Body?.transformToString()).toBe('two');
});

test('a replaced object leaves no data behind', async () => {
  for (const Body of ['one', 'two', 'three']) await s3.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
  // The one before was still there while the last was written.
  expect(await dataBlocks(s3, Bucket)).toBeLessThanOrEqual(2);
  await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
  expect(await dataBlocks(s3, Bucket)).toBe(0);
});

test('a connection cut in the middle of a write leaves nothing', async () => {
  const plain = s3.newClient({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  const url = await getSignedUrl(plain, new PutObjectCommand({ Bucket, Key: 'cut' }));
  const writing = request(url, { method: 'PUT', headers: { 'content-length': 1_000_000 } });
  writing.on('error', () => {});
  await new Promise((resolve) => writing.write(randomBytes(500_000), resolve));
  await expect.poll(() => dataBlocks(s3, Bucket)).toBeGreaterThan(0);
  const closed = new Promise((resolve) => writing.on('close', resolve));
  writing.destroy();
  await closed;
  await expect.poll(() => dataBlocks(s3, Bucket)).toBe(0);
  expect(await keys()).toEqual([]);
});

test('a large object is never held in memory', async () => {
  const chunk = randomBytes(1024 * 1024);
  const size = 300 * chunk.length;
  const Body = Readable.from(
    (function* () {
      for (let count = 0; count < 300; count++) yield chunk;
    })(),
  );
  const before = process.memoryUsage().rss;
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'large', Body, ContentLength: size }));
  const { Body: back } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'large' }));
  let seen = 0;
  for await (const bytes of back as Readable) seen += (bytes as Uint8Array).length;
  expect(seen).toBe(size);
  // Client and server together, and what the collector has not yet got round to.
  expect((process.memoryUsage().rss - before) / 1024 ** 2).toBeLessThan(200);
  expect(await answerOf(s3.client.send(new GetObjectCommand({ Bucket, Key: 'large', Range: 'bytes=-1' })))).toBe('ok');
});
