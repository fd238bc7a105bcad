import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { answerOf } from '../../unit/local-cloud/s3/s3-server.js';
import type { Row } from './place.js';

/** Reading objects and listing them. */
export const READ_ROWS = {
  'a range is its bytes: both ends given, open, the last two, beyond the end': {
    s3: '345, 789, 89, 89',
    ask: async ({ put, get }) => {
      await put('digits', '0123456789');
      const ranges = ['bytes=3-5', 'bytes=7-', 'bytes=-2', 'bytes=8-99'];
      return (await Promise.all(ranges.map((Range) => get('digits', { Range })))).join(', ');
    },
  },
  'a range behind the end is refused': {
    s3: 'InvalidRange 416',
    ask: async ({ put, get }) => {
      await put('digits-too', '0123456789');
      return answerOf(get('digits-too', { Range: 'bytes=10-12' }));
    },
  },
  'an object of no bytes has no range': {
    s3: 'InvalidRange 416',
    ask: async ({ put, get }) => {
      await put('empty', '');
      return answerOf(get('empty', { Range: 'bytes=0-0' }));
    },
  },
  'an object of no bytes comes back': {
    s3: '"d41d8cd98f00b204e9800998ecf8427e", 0 bytes',
    ask: async ({ put, get }) => {
      const { ETag } = await put('nothing', '');
      return `${ETag}, ${(await get('nothing')).length} bytes`;
    },
  },
  'reading another version than the one named fails': {
    s3: 'PreconditionFailed 412',
    ask: async ({ put, get }) => {
      await put('versioned', 'x');
      return answerOf(get('versioned', { IfMatch: '"0123456789abcdef0123456789abcdef"' }));
    },
  },
  'reading a version that is known already is 304': {
    s3: '304',
    ask: async ({ put, client, Bucket }) => {
      const { ETag } = await put('known', 'x');
      const again = client.send(new GetObjectCommand({ Bucket, Key: 'known', IfNoneMatch: ETag }));
      return (await answerOf(again)).split(' ').at(-1) ?? '';
    },
  },
  'eleven hundred objects, put 32 at a time, are listed in order over two pages': {
    s3: '1000 + 100, in order',
    ask: async ({ client, Bucket, put }) => {
      const keys = Array.from({ length: 1_100 }, (_, index) => `many-listed/${String(index).padStart(4, '0')}`);
      const queue = keys.values();
      const lane = async () => {
        for (const key of queue) await put(key, key);
      };
      await Promise.all(Array.from({ length: 32 }, lane));
      const page = (ContinuationToken?: string) =>
        client.send(new ListObjectsV2Command({ Bucket, Prefix: 'many-listed/', ContinuationToken }));
      const first = await page();
      const second = await page(first.NextContinuationToken);
      const listed = [...(first.Contents ?? []), ...(second.Contents ?? [])].map(({ Key = '' }) => Key);
      const order = listed.join() === keys.join() ? 'in order' : 'otherwise';
      return `${first.KeyCount} + ${second.KeyCount}, ${order}`;
    },
  },
} satisfies Record<string, Row>;
