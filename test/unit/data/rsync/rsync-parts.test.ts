import { describe, expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { rsyncFailure } from '../../../../src/data/rsync/rsync-failure.js';
import { parseListing } from '../../../../src/data/rsync/rsync-listing.js';
import type { RsyncStagingOptions } from '../../../../src/data/rsync/rsync-options.js';
import { createRsyncStaging } from '../../../../src/data/rsync/rsync-staging.js';
import { parseRsyncUrl } from '../../../../src/data/rsync/rsync-url.js';

const parse = (url: string) => parseRsyncUrl(new DataFile(url).url);

describe('an rsync URL', () => {
  test('is a module of a daemon, or a path of a host', () => {
    expect(parse('rsync://host/m/a%20b/c')).toEqual({ root: 'rsync://host/m/', isSsh: false, path: 'a b/c' });
    expect(parse('rsync://jo@host:8730/m/')).toEqual({ root: 'rsync://jo@host:8730/m/', isSsh: false, path: '' });
    expect(parse('rsync+ssh://jo@host:2222/a/b')).toEqual({
      root: 'jo@host:/',
      isSsh: true,
      sshPort: 2222,
      path: 'a/b',
    });
    expect(parse('rsync+ssh://host/a/')).toEqual({ root: 'host:/', isSsh: true, path: 'a/' });
    expect(parse('rsync+ssh://[::1]/a')).toEqual({ root: '[::1]:/', isSsh: true, path: 'a' });
  });

  test.each([
    'rsync:///m/x',
    'rsync://host/m',
    'rsync://-oProxyCommand=x/m/x',
    'rsync+ssh://-oProxyCommand=x/m/x',
    'rsync+ssh://-l@host/x',
    'rsync+ssh://a%40b@host/x',
    'rsync://host/m/..%2Fx',
    'rsync://host/m//x',
    'rsync://host/m/x%00',
    'rsync://host/m/%zz',
  ])('%s is refused', (url) => {
    expect(() => parse(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
  });

  test('has no password in it, and the error neither', () => {
    expect(() => parse('rsync://jo:secret-1@host/m/x')).toThrow(/RSYNC_PASSWORD/);
    expect(() => parse('rsync://jo:secret-1@host/m/x')).not.toThrow(/secret-1/);
  });
});

test('a list is read with names of any bytes, and without what is just being written', () => {
  const text = [
    'drwxr-xr-x          4,096 2026/11/26 16:41:16 .',
    '-rw-r--r--             12 2026/11/26 16:41:16 ./a b.txt',
    '-rwxr-xr-x.     1,234,567 2026/11/26 16:41:17 sub/x\\#012y \\#303\\#251',
    'lrwxrwxrwx              3 2026/11/26 16:41:16 link -> to',
    '-rw-------              3 2026/11/26 16:41:16 .0f8fad5b-d9cb-469f-a165-70867728950e.part',
  ].join('\n');
  const seconds = Date.UTC(2026, 10, 26, 16, 41, 16) / 1_000;
  expect(parseListing(text)).toEqual([
    { kind: 'folder', path: '.', identity: { tag: `${seconds}-4096`, size: 4_096 } },
    { kind: 'file', path: 'a b.txt', identity: { tag: `${seconds}-12`, size: 12 } },
    { kind: 'file', path: 'sub/x\ny é', identity: { tag: `${seconds + 1}-1234567`, size: 1_234_567 } },
    { kind: 'other', path: 'link -> to', identity: { tag: `${seconds}-3`, size: 3 } },
  ]);
  expect(() => parseListing('-rw-r--r-- twelve')).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
});

test.each([
  [23, 'rsync: [sender] link_stat "/x" (in m) failed: No such file or directory (2)', 'NOT_FOUND'],
  [5, "@ERROR: Unknown module 'x'", 'NOT_FOUND'],
  [23, 'rsync: [sender] send_files failed to open "/x": Permission denied (13)', 'ACCESS_DENIED'],
  [5, '@ERROR: auth failed on module private', 'ACCESS_DENIED'],
  [1, 'ERROR: module is read only', 'ACCESS_DENIED'],
  [11, 'rsync: write failed on "/x": No space left on device (28)', 'TRANSFER_FAILED'],
  [
    23,
    'rsync: [generator] delete_file: rmdir(x) failed: Directory not empty; could not make way for new regular file: x',
    'INVALID_OPTIONS',
  ],
  [1, 'rsync: --nothing: unknown option', 'INVALID_OPTIONS'],
  [10, 'rsync: failed to connect to host: Connection refused (111)', 'SERVICE_FAILED'],
  [30, 'io timeout after 60 seconds -- exiting', 'SERVICE_FAILED'],
  [35, 'timeout waiting for daemon connection', 'SERVICE_FAILED'],
  [255, 'ssh: connect to host x port 22: Connection refused', 'SERVICE_FAILED'],
  [12, 'rsync: connection unexpectedly closed', 'TRANSFER_FAILED'],
  [24, 'file has vanished: "/x"', 'TRANSFER_FAILED'],
])('code %i with "%s" is %s', (exitCode, stderr, code) => {
  expect(
    rsyncFailure('read it', { exitCode, stderr: `${stderr}\nrsync error: some (code ${exitCode}) at main.c(1)\n` }),
  ).toMatchObject({
    code,
    message: `cannot read it: rsync ended with code ${exitCode}: ${stderr}`,
  });
});

test('options that do not exist are named, and no value of theirs is told', () => {
  const options = { passwort: 'secret-1', ssh: ['ssh -v'] } as RsyncStagingOptions;
  expect(() => createRsyncStaging(options)).toThrow(/passwort[\s\S]*without spaces/);
  expect(() => createRsyncStaging(options)).not.toThrow(/secret-1/);
});
