import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createChecksum } from '../../../../src/local-cloud/s3/checksums/checksum.js';
import { answerOf, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'multipart';
const MIB = 1024 * 1024;
let s3: S3Server;

beforeAll(async () => {
  s3 = await startS3Server();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => s3.close());

async function begin(Key: string, more: object = {}): Promise<string> {
  const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return UploadId ?? '';
}

async function upload(Key: string, UploadId: string, PartNumber: number, Body: Uint8Array): Promise<CompletedPart> {
  const { ETag, ChecksumCRC32 } = await s3.client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
  );
  return { PartNumber, ETag, ChecksumCRC32 };
}

const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more: object = {}) =>
  s3.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));

const crc32 = (bytes: Uint8Array) => {
  const sum = createChecksum('CRC32');
  sum.update(bytes);
  return sum.digest();
};

test('parts become one object, its ETag the MD5 of theirs and its checksum a composite one', async () => {
  const bodies = [randomBytes(5 * MIB), randomBytes(5 * MIB + 1), randomBytes(10)] as const;
  const id = await begin('big', { ChecksumAlgorithm: 'CRC32', ContentType: 'video/mp4', Metadata: { a: 'b' } });
  const parts = await Promise.all(bodies.map((body, index) => upload('big', id, index * 2 + 1, body)));
  const done = await complete('big', id, parts);
  const md5s = bodies.map((body) => createHash('md5').update(body).digest());
  const etag = `"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-3"`;
  const composite = `${crc32(Buffer.concat(bodies.map(crc32))).toString('base64')}-3`;
  expect(done).toMatchObject({ ETag: etag, ChecksumCRC32: composite, ChecksumType: 'COMPOSITE' });
  const whole = Buffer.concat(bodies);
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'big', ChecksumMode: 'ENABLED' }));
  expect(got).toMatchObject({ ContentType: 'video/mp4', Metadata: { a: 'b' }, ChecksumCRC32: composite });
  expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(whole)).toBe(true);
  const Range = `bytes=${5 * MIB - 3}-${10 * MIB + 3}`;
  const across = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'big', Range }));
  const expected = whole.subarray(5 * MIB - 3, 10 * MIB + 4);
  expect(Buffer.from((await across.Body?.transformToByteArray()) ?? []).equals(expected)).toBe(true);
  const second = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'big', PartNumber: 2 }));
  expect(second).toMatchObject({ PartsCount: 3, ContentLength: 5 * MIB + 1 });
});

test('a full-object checksum is that of the whole, and a wrong one is refused', async () => {
  const bodies = [randomBytes(5 * MIB), randomBytes(77)] as const;
  const id = await begin('full', { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
  const parts = await Promise.all(bodies.map((body, index) => upload('full', id, index + 1, body)));
  const wrong = complete('full', id, parts, { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' });
  expect(await answerOf(wrong)).toBe('BadDigest 400');
  const ChecksumCRC32 = crc32(Buffer.concat(bodies)).toString('base64');
  const done = await complete('full', id, parts, { ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
  expect(done).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
});

test('a part that is too small, missing, wrong or out of order is refused, and the upload goes on', async () => {
  const id = await begin('strict', { ChecksumAlgorithm: 'CRC32' });
  const small = await upload('strict', id, 1, randomBytes(100));
  const last = await upload('strict', id, 2, randomBytes(100));
  expect(await answerOf(complete('strict', id, [small, last]))).toBe('EntityTooSmall 400');
  expect(await answerOf(complete('strict', id, [last, small]))).toBe('InvalidPartOrder 400');
  expect(await answerOf(complete('strict', id, [{ ...small, ETag: '"other"' }]))).toBe('InvalidPart 400');
  expect(await answerOf(complete('strict', id, [{ ...small, ChecksumCRC32: 'AAAAAA==' }]))).toBe('InvalidPart 400');
  expect(await answerOf(complete('strict', id, [{ ...small, PartNumber: 9 }]))).toBe('InvalidPart 400');
  expect(await answerOf(complete('strict', id, [{ PartNumber: 1, ETag: small.ETag }]))).toBe('InvalidRequest 400');
  expect(await answerOf(complete('strict', id, []))).toBe('MalformedXML 400');
  expect(await answerOf(upload('strict', id, 10_001, randomBytes(1)))).toBe('InvalidArgument 400');
  expect(await answerOf(complete('strict', id, [small]))).toBe('ok');
  expect(await answerOf(complete('strict', id, [small]))).toBe('NoSuchUpload 404');
});

test('a part with a wrong checksum, or one of another algorithm, is refused', async () => {
  const id = await begin('summed', { ChecksumAlgorithm: 'CRC32' });
  const part = { Bucket, Key: 'summed', UploadId: id, PartNumber: 1, Body: 'x' };
  const wrong = s3.client.send(new UploadPartCommand({ ...part, ChecksumCRC32: 'AAAAAA==' }));
  expect(await answerOf(wrong)).toBe('BadDigest 400');
  const other = s3.client.send(new UploadPartCommand({ ...part, ChecksumAlgorithm: 'SHA1' }));
  expect(await answerOf(other)).toBe('InvalidRequest 400');
});

test('an upload begun without an algorithm takes parts of any, and sums up the whole by CRC64NVME', async () => {
  const id = await begin('default');
  const body = randomBytes(1000);
  const part = await upload('default', id, 1, body);
  expect(part.ChecksumCRC32).toBe(crc32(body).toString('base64'));
  const wrong = { Bucket, Key: 'default', UploadId: id, PartNumber: 1, Body: 'x', ChecksumCRC32: 'AAAAAA==' };
  expect(await answerOf(s3.client.send(new UploadPartCommand(wrong)))).toBe('BadDigest 400');
  const sum = createChecksum('CRC64NVME');
  sum.update(body);
  const done = await complete('default', id, [{ PartNumber: 1, ETag: part.ETag }]);
  expect(done).toMatchObject({ ChecksumCRC64NVME: sum.digest().toString('base64'), ChecksumType: 'FULL_OBJECT' });
});

test('after an abort the upload is gone', async () => {
  const id = await begin('aborted');
  const part = await upload('aborted', id, 1, randomBytes(10));
  const abort = () =>
    answerOf(s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'aborted', UploadId: id })));
  expect(await abort()).toBe('ok');
  expect(await abort()).toBe('NoSuchUpload 404');
  expect(await answerOf(complete('aborted', id, [part]))).toBe('NoSuchUpload 404');
  expect(await answerOf(upload('aborted', id, 2, randomBytes(1)))).toBe('NoSuchUpload 404');
  expect(await answerOf(upload('other-key', await begin('a-key'), 1, randomBytes(1)))).toBe('NoSuchUpload 404');
});

test('parts and uploads are listed page by page', async () => {
  const id = await begin('listed/b');
  for (const number of [3, 1, 2]) await upload('listed/b', id, number, randomBytes(number));
  const first = await s3.client.send(new ListPartsCommand({ Bucket, Key: 'listed/b', UploadId: id, MaxParts: 2 }));
  expect(first.Parts?.map((part) => [part.PartNumber, part.Size])).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
  const rest = new ListPartsCommand({ Bucket, Key: 'listed/b', UploadId: id, PartNumberMarker: '2' });
  expect((await s3.client.send(rest)).Parts?.map((part) => part.PartNumber)).toEqual([3]);

  const ids = [await begin('listed/a'), id, await begin('listed/b')];
  const seen: (string | undefined)[] = [];
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await s3.client.send(
      new ListMultipartUploadsCommand({ Bucket, Prefix: 'listed/', MaxUploads: 1, ...marker }),
    );
    seen.push(...(page.Uploads ?? []).map((one) => one.UploadId));
    if (page.IsTruncated !== true) break;
    marker = { KeyMarker: page.NextKeyMarker ?? '', UploadIdMarker: page.NextUploadIdMarker ?? '' };
  }
  expect(seen).toEqual(ids);
});

test('parts can be copied from an object, whole or by range', async () => {
  const source = randomBytes(5 * MIB + 500);
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: source }));
  const id = await begin('copied');
  const copy = async (PartNumber: number, CopySourceRange: string): Promise<CompletedPart> => {
    const { CopyPartResult: part } = await s3.client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: 'copied',
        UploadId: id,
        PartNumber,
        CopySource: `${Bucket}/source`,
        CopySourceRange,
      }),
    );
    return { PartNumber, ETag: part?.ETag, ChecksumCRC32: part?.ChecksumCRC32 };
  };
  const parts = [await copy(1, `bytes=0-${5 * MIB - 1}`), await copy(2, 'bytes=100-199')];
  expect(await answerOf(copy(3, `bytes=0-${source.length}`))).toBe('InvalidArgument 400');
  await complete('copied', id, parts);
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'copied' }));
  const expected = Buffer.concat([source.subarray(0, 5 * MIB), source.subarray(100, 200)]);
  expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(expected)).toBe(true);
});
