import { describe, expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { parseZipUrl } from '../../../../src/data/zip/zip-url.js';

const parse = (url: string) => parseZipUrl(new DataFile(url).url);
const failure = expect.objectContaining({ code: 'INVALID_OPTIONS' });

describe('a zip: URL', () => {
  test.each([
    ['zip:/a/b.zip/c.txt', '/a/b.zip', 'c.txt'],
    ['zip:///a/b.zip/c.txt', '/a/b.zip', 'c.txt'],
    ['zip:/a%20b/c.zip/d%20e/f%25.txt', '/a b/c.zip', 'd e/f%.txt'],
    // As Parsl splits it: an archive within an archive is a member like any other.
    ['zip:/a.zip/b.zip/c', '/a.zip', 'b.zip/c'],
    ['zip:/a/x.zip.d/b.zip/c', '/a/x.zip.d/b.zip', 'c'],
    ['zip:/a/b.zip/below/', '/a/b.zip', 'below/'],
    ['zip:/a/b.zip/', '/a/b.zip', ''],
    ['zip:/a/b.zip/..dots../.hidden', '/a/b.zip', '..dots../.hidden'],
  ])('%s is a member of %s', (url, archive, member) => {
    expect(parse(url)).toEqual({ archive, member });
  });

  test.each(['zip://host/a/b.zip/c', 'zip://jo@host/a.zip/c'])('%s names a host, and says what to write', (url) => {
    expect(() => parse(url)).toThrow(failure);
    expect(() => parse(url)).toThrow(/host 'host'.*zip:\/path\/archive\.zip\/name/);
  });

  test.each(['zip:/a/b.tar/c', 'zip:/a/b.zip', 'zip:a/b.zip/c', 'zip:/a/b.zip/../c'])('%s names no archive', (url) => {
    expect(() => parse(url)).toThrow(failure);
  });

  test.each([
    'zip:/a/b.zip//etc/passwd',
    'zip:/a/b.zip/x%2F..%2F..%2Fy',
    'zip:/a/b.zip/..%2Fy',
    'zip:/a/b.zip/x//y',
    'zip:/a/b.zip/x\\y',
    'zip:/a/b.zip/x%5C..%5Cy',
    'zip:/a/b.zip/C:/y',
    'zip:/a/b.zip/%00',
    'zip:/a%00/b.zip/x',
    'zip:/a/b.zip/%zz',
  ])('%s cannot be a member', (url) => {
    expect(() => parse(url)).toThrow(failure);
  });
});
