import { describe, expect, test } from 'vitest';
import { announcedDigest } from '../../../../src/data/http/digests.js';
import { partOf, representationOf } from '../../../../src/data/http/representation.js';
import { signedUntilMs } from '../../../../src/data/http/signed-url.js';
import { retryAfterMs } from '../../../../src/http/retry-after.js';

const headers = (values: Record<string, string>) => (name: string) => values[name];
const MODIFIED = 'Wed, 21 Oct 2026 07:28:00 GMT';

describe('what an answer says of its file', () => {
  test('a strong tag is identity and validator', () => {
    const found = representationOf(headers({ etag: '"abc"', 'content-length': '5', 'accept-ranges': 'bytes' }));
    expect(found).toEqual({ size: 5, validator: '"abc"', tag: '"abc"', offersRanges: true });
  });

  test('a weak tag tells files apart, with date and size, but not their parts', () => {
    const first = representationOf(headers({ etag: 'W/"abc"', 'content-length': '5' }));
    const second = representationOf(headers({ etag: 'W/"abc"', 'content-length': '6' }));
    expect(first.validator).toBeUndefined();
    expect(first.tag).not.toBe('');
    expect(second.tag).not.toBe(first.tag);
  });

  test.each([
    ['a second before the answer', 'Wed, 21 Oct 2026 07:28:01 GMT', MODIFIED],
    ['in the second of the answer', MODIFIED, undefined],
    ['at a time that is not told', undefined, undefined],
  ])('a file modified %s', (_, date, validator) => {
    const values = { 'last-modified': MODIFIED, 'content-length': '5', ...(date && { date }) };
    const found = representationOf(headers(values));
    expect(found.validator).toBe(validator);
    expect(found.tag).toBe(`${Date.parse(MODIFIED)}-5`);
  });

  test('without tag and date there is no identity', () => {
    expect(representationOf(headers({ 'content-length': '5' }))).toMatchObject({ tag: '', validator: undefined });
  });

  test('a part tells the size of the whole', () => {
    const values = { 'content-range': 'bytes 5-9/100', 'content-length': '5', etag: '"a"' };
    expect(representationOf(headers(values))).toMatchObject({ size: 100, offersRanges: true });
    expect(representationOf(headers({ 'content-range': 'bytes */100' })).size).toBe(100);
    expect(partOf('bytes 5-9/*')).toEqual({ start: 5, end: 9, size: undefined });
    expect(partOf('pages 5-9/10')).toBeUndefined();
  });
});

describe('the checksum that is announced', () => {
  const sha256 = Buffer.alloc(32, 1).toString('base64');
  const md5 = Buffer.alloc(16, 2).toString('base64');
  test.each([
    ['repr-digest', `sha-256=:${sha256}:`, 'sha256', sha256],
    ['content-digest', `md5=:${md5}:, sha-256=:${sha256}:`, 'sha256', sha256],
    ['digest', `MD5=${md5},SHA-256=${sha256}`, 'sha256', sha256],
    ['digest', `unixsum=30637,md5=${md5}`, 'md5', md5],
    ['content-md5', md5, 'md5', md5],
  ])('stands in %s: %s', (header, text, algorithm, base64) => {
    expect(announcedDigest(headers({ [header]: text }))).toEqual({ algorithm, base64, header });
  });

  test.each([
    ['repr-digest', 'sha-256=:AAAA:'],
    ['digest', 'crc32c=AAAAAA=='],
    ['content-md5', 'not base64!'],
    ['x-goog-hash', `crc32c=AAAAAA==,md5=${md5}`],
  ])('is none where it cannot be used: %s: %s', (header, text) => {
    expect(announcedDigest(headers({ [header]: text }))).toBeUndefined();
  });

  test('of Cloud Storage counts for what is not stored packed', () => {
    const values = { 'x-goog-hash': `crc32c=AAAAAA==,md5=${md5}`, 'x-goog-stored-content-encoding': 'identity' };
    expect(announcedDigest(headers(values))).toMatchObject({ algorithm: 'md5' });
    expect(announcedDigest(headers({ ...values, 'x-goog-stored-content-encoding': 'gzip' }))).toBeUndefined();
  });
});

test.each([
  ['120', 120_000],
  ['0', 0],
  ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After: %s', (header, waitMs) => {
  expect(retryAfterMs(header, Date.parse(MODIFIED))).toBe(waitMs);
});

test.each([
  ['https://b.s3.amazonaws.com/k?X-Amz-Date=20261021T072800Z&X-Amz-Expires=60&X-Amz-Signature=x', MODIFIED, 60_000],
  ['https://storage.googleapis.com/b/k?X-Goog-Date=20261021T072800Z&X-Goog-Expires=60', MODIFIED, 60_000],
  [`https://b/k?AWSAccessKeyId=A&Signature=x&Expires=${Date.parse(MODIFIED) / 1000}`, MODIFIED, 0],
  ['https://a.blob.core.windows.net/c/b?sv=1&se=2026-10-21T07%3A28%3A00Z&sig=x', MODIFIED, 0],
])('%s is signed until %s and %d ms', (url, from, ms) => {
  expect(signedUntilMs(new URL(url))).toBe(Date.parse(from) + ms);
});

test.each(['https://h/k?id=5', 'https://h/k?Expires=5', 'https://h/k?se=2026-10-21'])('%s is not signed', (url) => {
  expect(signedUntilMs(new URL(url))).toBeUndefined();
});
