import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { parseFtpUrl } from '../../../../src/data/ftp/ftp-url.js';

const PLACE = { host: 'host', port: undefined, isSecure: false, user: undefined, password: undefined };
const LONG = 'x'.repeat(1_000);

test.each([
  ['ftp://host/a/b.txt', { ...PLACE, path: 'a/b.txt' }],
  ['ftp://host//a/b.txt', { ...PLACE, path: '/a/b.txt' }],
  ['ftp://host/%2Fa/b.txt', { ...PLACE, path: '/a/b.txt' }],
  ['ftps://host:2121/a', { ...PLACE, port: 2121, isSecure: true, path: 'a' }],
  ['ftp://me:p%40ss@host/a', { ...PLACE, user: 'me', password: 'p@ss', path: 'a' }],
  ['ftp://me%40site@host/a', { ...PLACE, user: 'me@site', path: 'a' }],
  ['ftp://[::1]/a', { ...PLACE, host: '::1', path: 'a' }],
  ['ftp://host/ a%20b%23%3F%25', { ...PLACE, path: ' a b#?%' }],
  ['ftp://host/a/../b', { ...PLACE, path: 'b' }],
  ['ftp://host', { ...PLACE, path: '' }],
  ['ftp://host/folder/', { ...PLACE, path: 'folder/' }],
  ['ftps://host/%E6%97%A5', { ...PLACE, isSecure: true, path: '日' }],
  [`ftp://host/${LONG}`, { ...PLACE, path: LONG }],
])('%s', (url, place) => {
  expect(parseFtpUrl(new DataFile(url).url)).toEqual(place);
});

test.each([
  ['names no path', 'ftps://host'],
  ['is wrongly encoded', 'ftp://me:secret@host/%zz'],
  ['would be another command', 'ftp://me:secret@host/a%0D%0ADELE%20b'],
  ['has a null character', 'ftps://host/a%00'],
])('a URL that %s is refused, and its password not shown', (_, url) => {
  expect(() => parseFtpUrl(url)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.not.stringContaining('secret') }),
  );
});
