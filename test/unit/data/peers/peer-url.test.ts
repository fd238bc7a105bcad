import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { keptUrl, type PeerFile, parsePeerUrl, peerUrl, temporaryUrlOf } from '../../../../src/data/peers/peer-url.js';

const PLACE = { manager: 'node-1.site', host: '10.0.0.1', port: 7_000 };
const files: readonly PeerFile[] = [
  { ...PLACE, path: '' },
  { ...PLACE, path: '1-1-abc/a%20b/c.txt', run: '0123456789ab' },
  { ...PLACE, path: '1-1-abc/folder/' },
  { ...PLACE, path: '1-1-abc/x', size: 0, crc32: 0 },
  { ...PLACE, path: '1-1-abc/x', size: 2 ** 40, crc32: 0xffffffff, run: 'f0' },
  { manager: 'odd /@name', host: 'fe80::1', port: 1, path: 'x' },
];

test.each(files.map((file) => [peerUrl(file), file] as const))('%s says what was put into it', (url, file) => {
  expect(parsePeerUrl(url)).toEqual(file);
  expect(new DataFile(url).url).toBe(url);
  expect(new DataFile(url).isFolder).toBe(file.path === '' || file.path.endsWith('/'));
});

test('what is kept says its length and its checksum, which is no part of its name', () => {
  const home = peerUrl({ ...PLACE, path: '7-1-abc/parts/a%20b.txt', run: '0a' });
  const kept = keptUrl(home, { tag: '0000beef', size: 5 });
  expect(parsePeerUrl(kept)).toEqual({ ...parsePeerUrl(home), size: 5, crc32: 0xbeef });
  expect([temporaryUrlOf(parsePeerUrl(kept)), new DataFile(kept).filename]).toEqual([
    'temp:parts/a%20b.txt',
    'a b.txt',
  ]);
  const folder = peerUrl({ ...PLACE, path: '7-1-abc/d/' });
  expect(keptUrl(folder, { tag: 'a hash', size: 5 })).toBe(folder);
});

test.each([
  's3://bucket/key',
  'peer://10.0.0.1:7000/-/-/x',
  'peer://m@10.0.0.1/-/-/x',
  'peer://m@10.0.0.1:7000/x',
  'peer://m@10.0.0.1:7000/-/5-12345/x',
  'peer://m@10.0.0.1:7000/-/-/x?size=5',
])('%s is no file on a node', (url) => {
  expect(() => parsePeerUrl(url)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
});
