import { expect, test } from 'vitest';
import { DataFile } from '../../../src/data/data-file.js';
import { localName } from '../../../src/data/local-name.js';

test.each([
  ['s3://b/a/report.csv', 'report.csv'],
  ['s3://b/a b%2Fc.txt', 'a b%2Fc.txt'],
  ['s3://b/a/..', 'file'],
  ['s3://b/.', 'file'],
  ['https://host/a/..%2F..%2Fetc%2Fpasswd', 'passwd'],
  ['https://host/', 'file'],
  ['s3://b/nul\0byte.txt', 'nulbyte.txt'],
])('the local copy of %s is called %s', (url, name) => {
  expect(localName(new DataFile(url))).toBe(name);
});

test('a name longer than file systems take keeps its extension and stays apart from others', () => {
  const first = localName(new DataFile(`s3://b/${'x'.repeat(400)}1.csv`));
  const second = localName(new DataFile(`s3://b/${'x'.repeat(400)}2.csv`));
  expect(first).toMatch(/^[0-9a-f]{16}\.csv$/);
  expect(first).not.toBe(second);
  expect(Buffer.byteLength(localName(new DataFile(`s3://b/${'日'.repeat(100)}`)))).toBeLessThan(256);
});
