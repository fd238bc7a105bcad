import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CopyObjectCommand, DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { answerOf } from '../../unit/local-cloud/s3/s3-server.js';
import type { Row, S3Place } from './place.js';

/** Writing, copying and deleting whole objects. */
export const WRITE_ROWS = {
  'the ETag of an object put at once is its MD5 in quotes': {
    s3: 'quoted MD5',
    ask: async ({ put }) => {
      const { ETag } = await put('md5', 'content');
      return ETag === `"${createHash('md5').update('content').digest('hex')}"` ? 'quoted MD5' : `${ETag}`;
    },
  },
  'a stream is stored without its framing, with the checksum of the SDK in its trailer': {
    s3: 'as it was sent',
    ask: (place) => streamed(place, 'client'),
  },
  'a stream without a checksum is stored as well': {
    s3: 'as it was sent',
    ask: (place) => streamed(place, 'plain'),
  },
  'a new key under If-None-Match: * is written': {
    s3: 'ok',
    ask: ({ put }) => answerOf(put('once', 'x', { IfNoneMatch: '*' })),
  },
  'an old key under If-None-Match: * stays': {
    s3: 'PreconditionFailed 412, then: old',
    ask: async ({ put, get }) => {
      await put('old', 'old');
      return `${await answerOf(put('old', 'new', { IfNoneMatch: '*' }))}, then: ${await get('old')}`;
    },
  },
  'of twenty racing If-None-Match: * one wins': {
    s3: '1 ok, 19 PreconditionFailed 412',
    ask: async ({ put }) => {
      const racers = Array.from({ length: 20 }, (_, index) => put('race', `racer ${index}`, { IfNoneMatch: '*' }));
      const answers = await Promise.all(racers.map(answerOf));
      const count = (answer: string) => `${answers.filter((one) => one === answer).length} ${answer}`;
      return `${count('ok')}, ${count('PreconditionFailed 412')}`;
    },
  },
  'If-Match with the current version replaces it': {
    s3: 'ok',
    ask: async ({ put }) => {
      const { ETag } = await put('current', 'one');
      return answerOf(put('current', 'two', { IfMatch: ETag }));
    },
  },
  'If-Match with the current version and without its quotes replaces it as well': {
    s3: 'ok',
    ask: async ({ put }) => {
      const { ETag = '' } = await put('unquoted', 'one');
      return answerOf(put('unquoted', 'two', { IfMatch: ETag.replaceAll('"', '') }));
    },
  },
  'If-Match with a version that is gone changes nothing': {
    s3: 'PreconditionFailed 412, then: two',
    ask: async ({ put, get }) => {
      const { ETag } = await put('stale', 'one');
      await put('stale', 'two');
      return `${await answerOf(put('stale', 'three', { IfMatch: ETag }))}, then: ${await get('stale')}`;
    },
  },
  'If-Match on a key without an object is a missing key': {
    s3: 'NoSuchKey 404',
    ask: ({ put }) => answerOf(put('nowhere', 'x', { IfMatch: '"0123456789abcdef0123456789abcdef"' })),
  },
  'a wrong CRC32 is refused': {
    s3: 'BadDigest 400',
    ask: ({ put }) => answerOf(put('crc', 'not empty', { ChecksumCRC32: 'AAAAAA==' })),
  },
  'a stream that does not fit the CRC32 in its trailer is refused, and nothing is stored': {
    s3: 'BadDigest 400, then: NoSuchKey 404',
    ask: async ({ newClient, Bucket, get }) => {
      const client = newClient({});
      client.middlewareStack.add(
        (next) => async (args) => {
          const request = args.request as { body: AsyncIterable<Uint8Array> };
          const framed = (await buffer(request.body)).toString();
          request.body = Readable.from([framed.replace(/(x-amz-checksum-crc32:)\S+/, '$1AAAAAA==')]);
          return next(args);
        },
        { step: 'deserialize', priority: 'high' },
      );
      const Body = Readable.from(['not empty'], { objectMode: false });
      const put = new PutObjectCommand({ Bucket, Key: 'trailer', Body, ContentLength: 9 });
      return `${await answerOf(client.send(put))}, then: ${await answerOf(get('trailer'))}`;
    },
  },
  'a wrong Content-MD5 is refused': {
    s3: 'BadDigest 400',
    ask: ({ put }) => answerOf(put('md5-wrong', 'not empty', { ContentMD5: '1B2M2Y8AsgTpgAmY7PhCfg==' })),
  },
  'a key of 1,025 bytes is refused': {
    s3: 'KeyTooLongError 400',
    ask: ({ put }) => answerOf(put('k'.repeat(1_025), 'x')),
  },
  'a thousand keys are deleted at once': {
    s3: '1000 deleted',
    ask: async ({ client, Bucket, put }) => {
      await put('many/7', 'x');
      const Objects = Array.from({ length: 1_000 }, (_, index) => ({ Key: `many/${index}` }));
      const { Deleted = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      return `${Deleted.length} deleted`;
    },
  },
  'a copy has the bytes of its source and a quoted ETag': {
    s3: '"9a0364b9e99bb480dd25e1f0284c8555": content',
    ask: (place) => copied(place, 'plain-source'),
  },
  'so has a copy of an odd key': {
    s3: '"9a0364b9e99bb480dd25e1f0284c8555": content',
    ask: (place) => copied(place, 'odd/a b+c%2F&?#é😀'),
  },
} satisfies Record<string, Row>;

async function streamed({ Bucket, get, ...clients }: S3Place, by: 'client' | 'plain'): Promise<string> {
  const content = 'a line of text\r\n'.repeat(10_000);
  const Key = `stream-${by}`;
  const Body = Readable.from([content.slice(0, 70_000), content.slice(70_000)], { objectMode: false });
  const answer = await answerOf(
    clients[by].send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: content.length })),
  );
  if (answer !== 'ok') return answer;
  return (await get(Key)) === content ? 'as it was sent' : 'other bytes';
}

async function copied({ client, Bucket, put, get }: S3Place, source: string): Promise<string> {
  await put(source, 'content');
  const CopySource = encodeURIComponent(`${Bucket}/${source}`);
  const Key = `copy of ${source}`;
  const { CopyObjectResult } = await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }));
  return `${CopyObjectResult?.ETag}: ${await get(Key)}`;
}
