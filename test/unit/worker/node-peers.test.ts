import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callOf } from '../../../src/conformance/executor/calls.js';
import { parsePeerUrl, temporaryUrlOf } from '../../../src/data/peers/peer-url.js';
import type { PeerPlace } from '../../../src/wire/pilot/peers.js';
import type { TaskEnvelope } from '../../../src/wire/task-envelope.js';
import { NO_HOMES, NodePeers } from '../../../src/worker/node-peers.js';
import { temporaryFolder } from '../data/temporary-folder.js';

const PLACE: PeerPlace = { manager: 'm-1', host: '10.0.0.1', port: 7_000, folder: '/kept' };
const ACCESS = { run: 'abcdef', identity: 'me', key: '00' };
const taskOf = (fields: Partial<TaskEnvelope>): TaskEnvelope => ({ ...callOf(() => 1, []), ...fields });

function peersWith(place: Partial<PeerPlace> = {}, servesCached = true) {
  const asked: string[] = [];
  const told: (readonly [string, number])[] = [];
  let failure: Error | undefined;
  const peers = new NodePeers({
    peers: { servesCached, access: ACCESS },
    openCopies: async () => ({
      fetch: async ({ key }, nodes) => {
        asked.push(`${key} of ${nodes.join()}`);
        return true;
      },
    }),
    askPlace: async () => {
      asked.push('place');
      if (failure !== undefined) throw failure;
      return { ...PLACE, ...place };
    },
    onKept: (path, bytes) => told.push([path, bytes]),
  });
  return { peers, asked, told, failWith: (error: Error | undefined) => (failure = error) };
}

test('homes are made for temporary outputs that have none, of each attempt its own', async () => {
  const { peers, asked } = peersWith();
  const task = taskOf({ taskId: 7, attempt: 2, relayed: { 'temp:placed': 'file:///placed' } });
  const urls = ['s3://b/x', 'temp:placed', 'temp:parts/a b?c#d', 'temp:results/'];
  const homes = await peers.homesFor(urls, task);
  expect(Object.keys(homes)).toEqual(['temp:parts/a b?c#d', 'temp:results/']);
  const [file, folder] = Object.values(homes).map(parsePeerUrl);
  expect(file).toMatchObject({ manager: 'm-1', host: '10.0.0.1', port: 7_000, run: 'abcdef' });
  expect(file?.path).toMatch(/^7-2-[0-9a-f]{8}\/parts\/a%20b%3Fc%23d$/);
  expect(folder?.path).toMatch(/^7-2-[0-9a-f]{8}\/results\/$/);
  expect(temporaryUrlOf(folder as { path: string })).toBe('temp:results/');
  expect(await peers.homesFor(urls, task)).not.toEqual(homes);
  expect(await peers.homesFor(['s3://b/x'], task)).toBe(NO_HOMES);
  expect(asked).toEqual(['place']);
});

test.each(['temp:', 'temp:../x', 'temp:a/../x', 'temp:a//b', 'temp:/x', 'temp:a/%2e%2e', 'temp:a%00', 'temp:%zz'])(
  'no file of a node can be named %s',
  async (url) => {
    const { peers, asked } = peersWith();
    await expect(peers.homesFor([url], taskOf({}))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(asked).toEqual([]);
  },
);

test('a node that could not say where it keeps files may say it another time', async () => {
  const { peers, failWith } = peersWith();
  failWith(new Error('no port'));
  await expect(peers.homesFor(['temp:x'], taskOf({}))).rejects.toThrow('no port');
  failWith(undefined);
  expect(Object.keys(await peers.homesFor(['temp:x'], taskOf({})))).toEqual(['temp:x']);
});

test('what is kept is told, with what others hold it against; what is discarded is gone', async () => {
  const folder = await temporaryFolder();
  const { peers, told } = peersWith({ folder });
  const homes = await peers.homesFor(['temp:x', 'temp:d/'], taskOf({}));
  const identities = new Map([
    ['temp:x', { tag: '0000beef', size: 5 }],
    ['temp:d/', { tag: 'all of them', size: 7 }],
  ]);
  const kept = peers.keep(homes, identities);
  expect(parsePeerUrl(kept['temp:x'] as string)).toMatchObject({ size: 5, crc32: 0xbeef });
  expect(kept['temp:d/']).toBe(homes['temp:d/']);
  const paths = Object.values(homes).map((home) => parsePeerUrl(home).path);
  expect(told).toEqual([
    [paths[0], 5],
    [paths[1], 7],
  ]);
  const own = join(folder, (paths[0] as string).split('/')[0] as string);
  for (const attempt of [own, join(folder, 'another')]) {
    await mkdir(attempt);
    await writeFile(join(attempt, 'x'), 'x');
  }
  await peers.discard(homes);
  expect(await readdir(folder)).toEqual(['another']);
});

test('of what an attempt has read, others are told once, by its index', () => {
  const { peers } = peersWith();
  const files = ['s3://b/a', 'file:///c', 's3://b/folder/'];
  const relayed = { 'file:///c': 's3://b/sent/1' };
  const held = new Set(['file:///c', 's3://b/folder/']);
  expect(peers.takeNews()).toBeUndefined();
  peers.hasRead(taskOf({ files, relayed }), held);
  expect(peers.takeNews()).toEqual([1, 2]);
  expect(peers.takeNews()).toBeUndefined();
  peers.hasRead(taskOf({ files, relayed: { 'file:///c': 's3://b/sent/2' } }), new Set(files));
  expect(peers.takeNews()).toEqual([0, 1]);
});

test('who may have a file is asked for that one alone, and nobody where nodes serve no caches', async () => {
  const { peers, asked } = peersWith();
  const task = taskOf({ files: ['s3://b/a'], copies: { 's3://b/a': ['peer://m@h:1/-/'] } });
  const elsewhere = peers.elsewhere(task);
  expect(elsewhere?.('s3://b/other')).toBeUndefined();
  expect(elsewhere?.('constructor')).toBeUndefined();
  const target = { suggestedPath: '/x', signal: new AbortController().signal };
  expect(await elsewhere?.('s3://b/a')?.({ key: 'k', size: 1 }, target)).toBe(true);
  expect(asked).toEqual(['k of peer://m@h:1/-/']);
  const { peers: closed } = peersWith({}, false);
  expect(closed.elsewhere(task)).toBeUndefined();
  closed.hasRead(task, new Set(['s3://b/a']));
  expect(closed.takeNews()).toBeUndefined();
});
