import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataFile, file, type SluiceError } from 'sluice';
import { expect, test } from 'vitest';
import { decode, encode } from '../../../src/wire/codec.js';
import { thrownBy } from '../../fixtures/kernel/failure-of.js';

test.each([
  ['https://host/a/b%20c.txt?x=/y', 'https', 'b c.txt'],
  ['s3://bucket/a b%2Fc.txt', 's3', 'a b%2Fc.txt'],
  ['gs://bucket/a/', 'gs', 'a'],
  ['ftp://host//abs/x.csv', 'ftp', 'x.csv'],
  ['zip:/a.zip/in/side', 'zip', 'side'],
  ['temp:parts/a.csv', 'temp', 'a.csv'],
  ['temp:parts/', 'temp', 'parts'],
  ['file:///a%20b/c', 'file', 'c'],
])('%s has the scheme %s and is called %s', (url, scheme, filename) => {
  const one = file(url);
  expect([one.url, one.scheme, one.filename]).toEqual([url, scheme, filename]);
  expect(one.isFolder).toBe(url.endsWith('/'));
});

test('a path is a file of this machine, as are a file: URL and another DataFile', () => {
  const url = pathToFileURL(join(process.cwd(), 'a b.txt')).href;
  for (const one of ['a b.txt', join(process.cwd(), 'a b.txt'), new URL(url), url, new DataFile('a b.txt')]) {
    expect(file(one).url).toBe(url);
  }
  expect([file('a b.txt').path, `${file('a b.txt')}`]).toEqual(Array(2).fill(join(process.cwd(), 'a b.txt')));
});

test('a file elsewhere has no path here, and gets one where it was brought, in a copy', () => {
  const one = file('s3://bucket/x');
  expect(thrownBy(() => one.path)).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
  expect(`${one}`).toBe('s3://bucket/x');
  const brought = one.at('/node/x');
  expect([brought.path, `${brought}`, brought.url]).toEqual(['/node/x', '/node/x', 's3://bucket/x']);
  expect(thrownBy(() => one.path)).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
});

test('what travels is the URL, without the path of a copy', () => {
  const { bytes, files } = encode([file('s3://bucket/x').at('/node/x')]);
  const [arrived] = decode(bytes) as [DataFile];
  expect([arrived.url, files]).toEqual(['s3://bucket/x', ['s3://bucket/x']]);
  expect(thrownBy(() => arrived.path)).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
  expect(JSON.stringify({ arrived })).toBe('{"arrived":"s3://bucket/x"}');
});

test.each(['', 'http://', 'https://a b/'])('%j names no file', (source) => {
  expect(thrownBy<SluiceError>(() => file(source)).code).toBe('INVALID_OPTIONS');
});
