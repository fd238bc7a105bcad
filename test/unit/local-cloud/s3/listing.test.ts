import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListingCursor, listPage } from '../../../../src/local-cloud/listing.js';
import { SortedKeys } from '../../../../src/local-cloud/store/sorted-keys.js';
import { answerOf, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'listing';
const numbered = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
const folders = ['tree/a', 'tree/b/1', 'tree/b/2', 'tree/c/1', 'tree/d'];
let s3: S3Server;

beforeAll(async () => {
  s3 = await startS3Server();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  const keys = [...numbered, ...folders, 'odd/a b+c&%2F'].reverse();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let Key = keys.pop(); Key !== undefined; Key = keys.pop()) {
        await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
      }
    }),
  );
});
afterAll(() => s3.close());

describe('a listing', () => {
  test('pages through more than 1,000 keys in order', async () => {
    const sizes: number[] = [];
    const keys: (string | undefined)[] = [];
    for await (const page of paginateListObjectsV2({ client: s3.client }, { Bucket, Prefix: 'many/' })) {
      sizes.push(page.KeyCount ?? 0);
      keys.push(...(page.Contents ?? []).map((one) => one.Key));
    }
    expect(sizes).toEqual([1000, 100]);
    expect(keys).toEqual(numbered);
  });

  test('rolls keys up to the delimiter, counting each common prefix as one, over pages too', async () => {
    const seen: (string | undefined)[][] = [];
    const query = { Bucket, Prefix: 'tree/', Delimiter: '/', MaxKeys: 1 };
    for await (const page of paginateListObjectsV2({ client: s3.client }, query)) {
      seen.push([
        ...(page.Contents ?? []).map((one) => one.Key),
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
      ]);
    }
    expect(seen).toEqual([['tree/a'], ['tree/b/'], ['tree/c/'], ['tree/d']]);
  });

  test('starts after a key, which need not exist', async () => {
    const list = async (StartAfter: string) =>
      (await s3.client.send(new ListObjectsV2Command({ Bucket, Prefix: 'tree/', StartAfter }))).Contents?.map(
        (one) => one.Key,
      );
    expect(await list('tree/b/2')).toEqual(['tree/c/1', 'tree/d']);
    expect(await list('tree/b/1x')).toEqual(['tree/b/2', 'tree/c/1', 'tree/d']);
    expect(await list('z')).toBeUndefined();
  });

  test('encodes keys when asked, and gives ETag, size and date', async () => {
    const list = new ListObjectsV2Command({ Bucket, Prefix: 'odd/', EncodingType: 'url' });
    const [one] = (await s3.client.send(list)).Contents ?? [];
    expect(one?.Key).toBe('odd/a%20b%2Bc%26%252F');
    expect(one).toMatchObject({ Size: 1, ETag: '"9dd4e461268c8034f5c8564e155c67a6"' });
    expect(one?.LastModified).toBeInstanceOf(Date);
  });

  test('refuses what is no page size, token or list type', async () => {
    const list = (more: object) => answerOf(s3.client.send(new ListObjectsV2Command({ Bucket, ...more })));
    expect(await list({ MaxKeys: -1 })).toBe('InvalidArgument 400');
    expect(await list({ ContinuationToken: 'forged' })).toBe('InvalidArgument 400');
    expect(await list({ MaxKeys: 0 })).toBe('ok');
    expect(await list({ Bucket: 'no-such-bucket' })).toBe('NoSuchBucket 404');
  });

  test('of the first version goes on from its marker', async () => {
    const seen: (string | undefined)[] = [];
    let Marker: string | undefined;
    do {
      const page = await s3.client.send(
        new ListObjectsCommand({ Bucket, Prefix: 'tree/', Delimiter: '/', MaxKeys: 2, Marker }),
      );
      seen.push(
        ...(page.Contents ?? []).map((one) => one.Key),
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
      );
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    expect(seen).toEqual(['tree/a', 'tree/b/', 'tree/d', 'tree/c/']);
  });
});

describe('a page', () => {
  test('is in the order of UTF-8 bytes, not of UTF-16 units', () => {
    const keys = ['\u{1F600}', '\uFF5E', 'z', 'é', '', '\uD7FF'].filter((key) => key !== '');
    const sorted = [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    expect(listPage(new SortedKeys(keys), { prefix: '', delimiter: '', cursor: undefined, size: 9 }).keys).toEqual(
      sorted,
    );
  });

  test.each(['', '/', 'b/', '//'])(
    'by page sizes of one and of all, with delimiter %j, gives the same',
    (delimiter) => {
      const keys = new SortedKeys([
        'a',
        'a/',
        'a//',
        'a/b',
        'a/b/c',
        'b',
        'b/b/x',
        'b0',
        '/',
        '//',
        'c/\uFFFF',
        'c/\u{1F600}',
        'c0',
      ]);
      for (const prefix of ['', 'a', 'a/', 'b/', 'c', 'd']) {
        const whole = listPage(keys, { prefix, delimiter, cursor: undefined, size: 100 });
        const seen: string[] = [];
        let cursor: ListingCursor | undefined;
        do {
          const page = listPage(keys, { prefix, delimiter, cursor, size: 1 });
          seen.push(...page.keys, ...page.commonPrefixes);
          cursor = page.next;
        } while (cursor !== undefined);
        expect(seen.sort()).toEqual([...whole.keys, ...whole.commonPrefixes].sort());
        expect(new Set(seen).size).toBe(seen.length);
      }
    },
  );
});
