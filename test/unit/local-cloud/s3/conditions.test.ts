import { request } from 'node:http';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerOf, dataBlocks, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'conditions';
let s3: S3Server;

beforeAll(async () => {
  s3 = await startS3Server();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => s3.close());

const put = (Key: string, more: object = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...more }));
const get = (Key: string, more: object) => answerOf(s3.client.send(new GetObjectCommand({ Bucket, Key, ...more })));
const head = (Key: string, more: object) => answerOf(s3.client.send(new HeadObjectCommand({ Bucket, Key, ...more })));

test('If-None-Match: * writes a new object and leaves an old one alone', async () => {
  expect(await answerOf(put('once', { IfNoneMatch: '*' }))).toBe('ok');
  expect(await answerOf(put('once', { IfNoneMatch: '*', Body: Buffer.alloc(20_000_000) }))).toBe(
    'PreconditionFailed 412',
  );
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'once' }));
  expect(await Body?.transformToString()).toBe('x');
});

test('of twenty racing If-None-Match: * exactly one wins, and its content stays', async () => {
  const racers = Array.from({ length: 20 }, (_, index) => put('race', { IfNoneMatch: '*', Body: `racer ${index}` }));
  const answers = await Promise.all(racers.map(answerOf));
  expect(answers.filter((answer) => answer === 'ok')).toHaveLength(1);
  expect(answers.filter((answer) => answer === 'PreconditionFailed 412')).toHaveLength(19);
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'race' }));
  expect(await Body?.transformToString()).toBe(`racer ${answers.indexOf('ok')}`);
});

test('If-Match replaces that version only', async () => {
  const first = await put('versioned');
  const second = await put('versioned', { Body: 'y', IfMatch: first.ETag });
  expect(await answerOf(put('versioned', { IfMatch: first.ETag }))).toBe('PreconditionFailed 412');
  expect(await answerOf(put('versioned', { IfMatch: second.ETag?.replaceAll('"', '') }))).toBe('ok');
  expect(await answerOf(put('nothing', { IfMatch: first.ETag }))).toBe('NoSuchKey 404');
});

test('conditions S3 does not know on a write are refused', async () => {
  expect(await answerOf(put('once', { IfNoneMatch: '"etag"' }))).toBe('NotImplemented 501');
  expect(await answerOf(put('once', { IfMatch: '*' }))).toBe('NotImplemented 501');
});

test('a conditional write that a deletion overtakes is a conflict', async () => {
  await put('overtaken');
  const { ETag } = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'overtaken' }));
  const plain = s3.newClient({ requestChecksumCalculation: 'WHEN_REQUIRED' });
  const url = await getSignedUrl(plain, new PutObjectCommand({ Bucket, Key: 'overtaken', IfMatch: ETag }), {
    unhoistableHeaders: new Set(['if-match']),
  });
  const writing = request(url, { method: 'PUT', headers: { 'content-length': 1_000_000, 'if-match': ETag } });
  const status = new Promise<number | undefined>((resolve, reject) => {
    writing.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
  const before = await dataBlocks(s3, Bucket);
  writing.write(Buffer.alloc(500_000));
  await expect.poll(() => dataBlocks(s3, Bucket)).toBeGreaterThan(before);
  await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'overtaken' }));
  writing.end(Buffer.alloc(500_000));
  expect(await status).toBe(409);
  expect(await head('overtaken', {})).toBe('NotFound 404');
});

test('reads hold If-Match, If-None-Match and the dates', async () => {
  const { ETag } = await put('read');
  const past = new Date(Date.now() - 3600_000);
  const future = new Date(Date.now() + 3600_000);
  for (const read of [get, head]) {
    expect(await read('read', { IfMatch: ETag })).toBe('ok');
    expect(await read('read', { IfMatch: '"other"' })).toMatch(/ 412$/);
    expect(await read('read', { IfNoneMatch: ETag })).toMatch(/ 304$/);
    expect(await read('read', { IfNoneMatch: '"other"' })).toBe('ok');
    expect(await read('read', { IfModifiedSince: future })).toMatch(/ 304$/);
    expect(await read('read', { IfModifiedSince: past })).toBe('ok');
    expect(await read('read', { IfUnmodifiedSince: past })).toMatch(/ 412$/);
    expect(await read('read', { IfMatch: ETag, IfUnmodifiedSince: past })).toBe('ok');
    expect(await read('read', { IfNoneMatch: '"other"', IfModifiedSince: future })).toBe('ok');
  }
});

test('a multipart upload completes under If-None-Match: * only while there is no object', async () => {
  const Key = 'in-parts';
  const begin = async () => {
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = await s3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }));
    const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
    return () =>
      answerOf(
        s3.client.send(
          new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, IfNoneMatch: '*' }),
        ),
      );
  };
  const completions = await Promise.all([begin(), begin(), begin()]);
  const answers = await Promise.all(completions.map((complete) => complete()));
  expect(answers.sort()).toEqual(['PreconditionFailed 412', 'PreconditionFailed 412', 'ok']);
});
