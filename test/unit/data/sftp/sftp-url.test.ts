import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { parseSftpUrl } from '../../../../src/data/sftp/sftp-url.js';

const LONG = 'x'.repeat(1_000);

test.each([
  ['sftp://host/a/b.txt', { host: 'host' }, '/a/b.txt'],
  ['scp://me@host:2222/a', { host: 'host', user: 'me', port: 2222 }, '/a'],
  ['sftp://me%40site@host/a', { host: 'host', user: 'me@site' }, '/a'],
  ['sftp://[::1]:22/a', { host: '::1', port: 22 }, '/a'],
  ['sftp://host/~/a b/c', { host: 'host' }, 'a b/c'],
  ['sftp://host/~/', { host: 'host' }, '.'],
  ['sftp://host/', { host: 'host' }, '/'],
  ['sftp://host//abs', { host: 'host' }, '//abs'],
  ['sftp://host/a/../b', { host: 'host' }, '/b'],
  ['sftp://host/q%3Fm%23h%25%2B+%27', { host: 'host' }, "/q?m#h%++'"],
  ['sftp://host/%E6%97%A5%F0%9F%98%80', { host: 'host' }, '/日😀'],
  [`sftp://host/${LONG}`, { host: 'host' }, `/${LONG}`],
])('%s', (url, address, path) => {
  expect(parseSftpUrl(new DataFile(url).url)).toEqual({ address, path });
});

test.each(['sftp://host', 'sftp:///a', 'sftp://host/%zz', 'sftp://host/a%00b'])('%s is refused', (url) => {
  expect(() => parseSftpUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
});

test('a password is refused, and not shown', () => {
  expect(() => parseSftpUrl('sftp://me:secret@host/a')).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTIONS',
      message: expect.not.stringContaining('secret'),
    }),
  );
});
