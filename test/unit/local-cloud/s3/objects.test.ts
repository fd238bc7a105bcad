import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'objects';
let s3: S3Server;

beforeAll(async () => {
  s3 = await startS3Server();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(() => s3.close());

const put = (Key: string, Body: string | Uint8Array = 'x', more: object = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const text = async (Key: string, more: object = {}) => {
  const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
};

const ODD_KEYS = [
  'a b+c',
  'a%2Fb',
  'a/b%252Fc',
  '../../../escape',
  'a/../b',
  './.',
  '/leading',
  'trailing/',
  '//',
  'ünï/日本/😀',
  "!'()*&=;:@$,?#[]",
  'line\nfeed\rreturn\ttab',
  '007',
  ' spaces ',
  '<&amp;>"',
  'con.json',
  `${'x'.repeat(1024)}`,
];

describe('objects', () => {
  test('come back with their bytes, metadata and a quoted MD5 as ETag', async () => {
    const written = await put('hello', 'hello world', {
      ContentType: 'text/plain',
      CacheControl: 'no-cache',
      Metadata: { Colour: 'Red', empty: '' },
    });
    const etag = `"${createHash('md5').update('hello world').digest('hex')}"`;
    expect(written.ETag).toBe(etag);
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'hello' }));
    expect(head).toMatchObject({ ETag: etag, ContentLength: 11, ContentType: 'text/plain', CacheControl: 'no-cache' });
    expect(head.Metadata).toEqual({ colour: 'Red', empty: '' });
    expect(await text('hello')).toBe('hello world');
  });

  test.each(ODD_KEYS)('of the odd key %j round-trip, in a listing and in a deletion too', async (Key) => {
    await put(Key, `content of ${Key}`);
    expect(await text(Key)).toBe(`content of ${Key}`);
    const listed = await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
    expect(listed.Contents?.map((one) => one.Key)).toContain(Key);
    await s3.client.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: encodeURIComponent(`${Bucket}/${Key}`) }),
    );
    expect(await text('copy')).toBe(`content of ${Key}`);
    const gone = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
    expect(gone.Deleted).toEqual([{ Key }]);
    expect(await answerOf(text(Key))).toBe('NoSuchKey 404');
  });

  test('never leave the state folder, whatever their key', async () => {
    await put('../../../../../outside', 'x');
    expect(await readdir(s3.folder)).toEqual(['s3']);
  });

  test('with a key above 1,024 bytes are refused', async () => {
    expect(await answerOf(put('é'.repeat(513)))).toBe('KeyTooLongError 400');
  });

  test('sent as a stream are stored without their framing', async () => {
    const body = randomBytes(300_000);
    const Body = Readable.from([body.subarray(0, 7), body.subarray(7, 200_000), body.subarray(200_000)]);
    await s3.client.send(
      new PutObjectCommand({ Bucket, Key: 'stream', Body, ContentLength: body.length, ContentEncoding: 'gzip' }),
    );
    const { Body: back, ContentEncoding } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
    expect(Buffer.from((await back?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect(ContentEncoding).toBe('gzip');
  });

  test.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=-20', '0123456789', 'bytes 0-9/10'],
    ['bytes=9-99', '9', 'bytes 9-9/10'],
  ])('give the range %s', async (Range, content, ContentRange) => {
    await put('digits', '0123456789');
    const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    expect(answer).toMatchObject({ ContentRange, ContentLength: content.length, $metadata: { httpStatusCode: 206 } });
    expect(await answer.Body?.transformToString()).toBe(content);
  });

  test.each(['bytes=10-', 'bytes=-0', 'bytes=50-60'])('refuse the range %s with 416', async (Range) => {
    await put('digits', '0123456789');
    expect(await answerOf(text('digits', { Range }))).toBe('InvalidRange 416');
  });

  test('give checksums back when asked: the one sent, or CRC64NVME where none was', async () => {
    await put('summed', '123456789', { ChecksumAlgorithm: 'CRC32C' });
    const summed = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'summed', ChecksumMode: 'ENABLED' }));
    expect(summed).toMatchObject({ ChecksumCRC32C: '4waSgw==', ChecksumType: 'FULL_OBJECT' });
    const plain = s3.newClient({ requestChecksumCalculation: 'WHEN_REQUIRED' });
    await plain.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: '123456789' }));
    const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'plain', ChecksumMode: 'ENABLED' }));
    expect(head.ChecksumCRC64NVME).toBe('rosUhgp5mIg=');
  });

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'with a wrong %s are refused and not stored',
    async (algorithm) => {
      const wrong = {
        CRC32: 'AAAAAA==',
        CRC32C: 'AAAAAA==',
        CRC64NVME: 'AAAAAAAAAAA=',
        SHA1: `${'A'.repeat(27)}=`,
        SHA256: `${'A'.repeat(43)}=`,
      };
      expect(await answerOf(put('wrong', 'x', { [`Checksum${algorithm}`]: wrong[algorithm] }))).toBe('BadDigest 400');
      expect(await answerOf(text('wrong'))).toBe('NoSuchKey 404');
    },
  );

  test('with a wrong Content-MD5 are refused', async () => {
    expect(await answerOf(put('wrong', 'x', { ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==' }))).toBe('BadDigest 400');
    expect(await answerOf(put('wrong', 'x', { ContentMD5: 'short' }))).toBe('InvalidDigest 400');
    const md5 = createHash('md5').update('x').digest('base64');
    expect(await answerOf(put('right', 'x', { ContentMD5: md5 }))).toBe('ok');
  });

  test('too rich in metadata are refused', async () => {
    expect(await answerOf(put('rich', 'x', { Metadata: { long: 'x'.repeat(2049) } }))).toBe('MetadataTooLarge 400');
  });

  test('are deleted again and again without complaint', async () => {
    await put('mortal');
    expect(await answerOf(s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'mortal' })))).toBe('ok');
    expect(await answerOf(s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'mortal' })))).toBe('ok');
  });

  test('with what is not implemented are refused, not half stored', async () => {
    expect(await answerOf(put('k', 'x', { ACL: 'public-read' }))).toBe('NotImplemented 501');
    expect(await answerOf(put('k', 'x', { ServerSideEncryption: 'aws:kms' }))).toBe('NotImplemented 501');
    expect(await answerOf(put('k', 'x', { Tagging: 'a=b' }))).toBe('NotImplemented 501');
    expect(await answerOf(s3.client.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'private' })))).toBe(
      'NotImplemented 501',
    );
    const tags = new PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet: [] } });
    expect(await answerOf(s3.client.send(tags))).toBe('NotImplemented 501');
    expect(await answerOf(text('k'))).toBe('NoSuchKey 404');
  });

  test('may be empty', async () => {
    await put('empty', new Uint8Array());
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'empty' }));
    expect(got).toMatchObject({ ContentLength: 0, ETag: '"d41d8cd98f00b204e9800998ecf8427e"' });
    expect(await answerOf(text('empty', { Range: 'bytes=0-' }))).toBe('InvalidRange 416');
  });

  test('being read stay readable while they are replaced and deleted', async () => {
    const first = randomBytes(8_000_000);
    await put('busy', first);
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'busy' }));
    await put('busy', 'second');
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'busy' }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(first)).toBe(true);
  });
});

describe('a batch deletion', () => {
  test('takes 1,000 keys and not one more', async () => {
    await put('batch/1');
    const Objects = Array.from({ length: 1000 }, (_, index) => ({ Key: `batch/${index}` }));
    const answer = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(answer.Deleted).toHaveLength(1000);
    expect(await answerOf(text('batch/1'))).toBe('NoSuchKey 404');
    const tooMany = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [...Objects, { Key: 'one' }] } });
    expect(await answerOf(s3.client.send(tooMany))).toBe('MalformedXML 400');
  });

  test.each(['control\u0001', 'not a character \uffff'])(
    'with a key that XML cannot carry is refused whole: %j',
    async (Key) => {
      await put('batch/kept');
      const Objects = [{ Key: 'batch/kept' }, { Key }];
      const answer = s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(await answerOf(answer)).toBe('MalformedXML 400');
      expect(await answerOf(text('batch/kept'))).toBe('ok');
    },
  );

  test('says nothing of what it deleted when quiet', async () => {
    const answer = await s3.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x' }], Quiet: true } }),
    );
    expect(answer.Deleted).toBeUndefined();
  });
});

describe('a copy', () => {
  test('keeps the metadata of its source, or takes new', async () => {
    await put('source', 'content', { ContentType: 'text/csv', Metadata: { a: '1' } });
    const CopySource = `/${Bucket}/source`;
    const copied = await s3.client.send(new CopyObjectCommand({ Bucket, Key: 'kept', CopySource }));
    expect(copied.CopyObjectResult?.ETag).toBe(`"${createHash('md5').update('content').digest('hex')}"`);
    const kept = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'kept' }));
    expect(kept).toMatchObject({ ContentType: 'text/csv', Metadata: { a: '1' } });
    await s3.client.send(
      new CopyObjectCommand({ Bucket, Key: 'taken', CopySource, MetadataDirective: 'REPLACE', Metadata: { b: '2' } }),
    );
    const taken = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'taken' }));
    expect(taken).toMatchObject({ ContentType: 'binary/octet-stream', Metadata: { b: '2' } });
  });

  test('onto itself is refused unless something changes', async () => {
    await put('self', 'x');
    const self = { Bucket, Key: 'self', CopySource: `${Bucket}/self` };
    expect(await answerOf(s3.client.send(new CopyObjectCommand(self)))).toBe('InvalidRequest 400');
    const replacing = new CopyObjectCommand({ ...self, MetadataDirective: 'REPLACE' });
    expect(await answerOf(s3.client.send(replacing))).toBe('ok');
    expect(await text('self')).toBe('x');
  });

  test('holds the conditions on its source', async () => {
    const { ETag } = await put('source', 'x');
    const copy = (more: object) =>
      answerOf(s3.client.send(new CopyObjectCommand({ Bucket, Key: 'c', CopySource: `${Bucket}/source`, ...more })));
    expect(await copy({ CopySourceIfMatch: ETag })).toBe('ok');
    expect(await copy({ CopySourceIfMatch: '"other"' })).toBe('PreconditionFailed 412');
    expect(await copy({ CopySourceIfNoneMatch: ETag })).toBe('PreconditionFailed 412');
    expect(await copy({ CopySourceIfModifiedSince: new Date(Date.now() + 60_000) })).toBe('PreconditionFailed 412');
    expect(await copy({ CopySource: `${Bucket}/nothing` })).toBe('NoSuchKey 404');
    expect(await copy({ CopySource: 'no-bucket/nothing' })).toBe('NoSuchBucket 404');
  });
});
