import { existsSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type DataFile, file, type HighThroughputOptions, type Io } from 'sluice';
import { describe, expect, test, vi } from 'vitest';
import { createBackends } from '../../src/worker/backends.js';
import { descendants } from '../fixtures/htex/htex-run.js';
import { codeOf, hashOf, type PeerNodes, peerNodes } from '../fixtures/htex/peer-nodes.js';
import { whenGone } from '../fixtures/kernel/is-running.js';

const MIB = 2 ** 20;
const NAME = 'temp:parts/some data.bin';

const makeRandom = (bytes: number, io: Io) => io.sh`head -c ${bytes} /dev/urandom > ${io.outputs[0]}`;
const makeFolder = (io: Io) => io.sh`cd ${io.outputs[0]} && mkdir below && echo one > a && echo two > "below/b c"`;
const listOf = async (folder: DataFile): Promise<Record<string, string>> => {
  const { readdir, readFile: read } = await import('node:fs/promises');
  const { join: joined, relative } = await import('node:path');
  const entries = (await readdir(folder.path, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const paths = entries.map((one) => joined(one.parentPath, one.name));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [relative(folder.path, path), await read(path, 'utf8')])),
  );
};

async function two(options: Partial<HighThroughputOptions> = {}): Promise<readonly [PeerNodes, string, string]> {
  const nodes = await peerNodes(2, options);
  const [a = '', b = ''] = nodes.managers;
  return [nodes, a, b];
}

describe.each([
  ['encrypted', true],
  ['in the clear', false],
])('inputs from the caches of other nodes, %s', (_, encrypted) => {
  test('the second node gets from the first what that one has fetched', async () => {
    const [nodes, a, b] = await two({ peerTransfers: true, encrypted });
    await using _nodes = nodes;
    const { server, put, gets, on } = nodes;
    const hash = put('/input', 5 * MIB);
    const input = file(`${server.origin}/input`);
    const first = await on(a, hashOf, [input]);
    expect(first.value[0]).toBe(hash);
    expect(first.usage.inputs).toMatchObject({ hits: 0, misses: 1 });
    expect(first.usage.inputs).not.toHaveProperty('fromPeers');
    const before = gets('/input');
    const second = await on(b, hashOf, [input]);
    expect(second.value[0]).toBe(hash);
    expect(second.usage.inputs).toMatchObject({ hits: 0, misses: 1, fromPeers: 1, peerBytes: 5 * MIB });
    expect(gets('/input')).toBe(before);
    expect((await on(b, hashOf, [input])).usage.inputs).toMatchObject({ hits: 1, misses: 0 });
  });

  test('a temporary file stays where it was made, and is fetched from there', async () => {
    const [nodes, a, b] = await two({ encrypted });
    await using _nodes = nodes;
    const { executor, on } = nodes;
    expect(executor.capabilities.keepsTemporary).toBe(true);
    const made = await on(a, makeRandom, [3_000_000], { kind: 'bash', outputs: [NAME] });
    expect(Object.keys(made.kept)).toEqual([NAME]);
    const relayed = made.kept;
    const here = await on(a, hashOf, [file(NAME)], { relayed });
    const there = await on(b, hashOf, [file(NAME)], { relayed });
    expect(there.value[0]).toBe(here.value[0]);
    expect(here.value[1]).toContain('/kept/');
    expect(here.usage.inputs).toBeUndefined();
    // And is in that one's cache then, for its other tasks.
    expect(there.usage.inputs).toMatchObject({ misses: 1, missBytes: 3_000_000 });
    expect((await on(b, hashOf, [file(NAME)], { relayed })).usage.inputs).toMatchObject({ hits: 1 });
    // The client, whose executor it is, can read it, too.
    const backends = createBackends();
    const copy = file(join(nodes.folder, 'copy'));
    const source = file(relayed[NAME] as string);
    await backends.staging().copy([{ source, target: copy }], { signal: new AbortController().signal });
    await backends.close();
    expect((await hashOf(copy))[0]).toBe(there.value[0]);
  });
});

describe('an input comes from the store, with the right bytes,', () => {
  const fetchedBy = async ({ server, on }: PeerNodes, manager: string, path = '/input') =>
    on(manager, hashOf, [file(server.origin + path)]);

  test('where nodes give each other nothing', async () => {
    const [nodes, a, b] = await two();
    await using _nodes = nodes;
    const hash = nodes.put('/input', MIB);
    for (const manager of [a, b]) expect((await fetchedBy(nodes, manager)).value[0]).toBe(hash);
    expect(nodes.gets('/input')).toBe(2);
    expect((await nodes.executor.managers()).map(({ peer }) => peer)).toEqual([undefined, undefined]);
  });

  test('when it has been replaced since another node got it', async () => {
    const [nodes, a, b] = await two({ peerTransfers: true });
    await using _nodes = nodes;
    nodes.put('/input', MIB);
    await fetchedBy(nodes, a);
    const hash = nodes.put('/input', MIB);
    const { value, usage } = await fetchedBy(nodes, b);
    expect([value[0], usage.inputs?.fromPeers]).toEqual([hash, undefined]);
  });

  test('when the other node has it no more', async () => {
    const [nodes, a, b] = await two({ peerTransfers: true });
    await using _nodes = nodes;
    const [first, second] = [nodes.put('/input', MIB), nodes.put('/other', MIB)];
    const { value } = await fetchedBy(nodes, a);
    await fetchedBy(nodes, a, '/other');
    const contents = contentsIn(nodeOf(nodes, value[1]));
    expect(contents).toHaveLength(2);
    for (const content of contents) await rm(join(content, '..', '..'), { recursive: true });
    for (const [path, hash] of [
      ['/input', first],
      ['/other', second],
    ]) {
      const ran = await fetchedBy(nodes, b, path);
      expect([ran.value[0], ran.usage.inputs?.fromPeers]).toEqual([hash, undefined]);
    }
  });

  test('when the other node is killed while it sends', async () => {
    const [nodes, a, b] = await two({ peerTransfers: true });
    await using _nodes = nodes;
    const size = 128 * MIB;
    const hash = nodes.put('/input', size);
    await fetchedBy(nodes, a);
    const pid = await nodes.pidOf(a);
    const before = nodes.gets('/input');
    const fetching = fetchedBy(nodes, b);
    const part = await vi.waitFor(
      () => {
        const found = partsIn(nodes.folder).find((path) => statSync(path).size > 0);
        expect(found).toBeDefined();
        return found as string;
      },
      { timeout: 30_000, interval: 1 },
    );
    process.kill(pid, 'SIGSTOP');
    const come = statSync(part).size;
    expect([come > 0, come < size]).toEqual([true, true]);
    expect(nodes.gets('/input')).toBe(before);
    await nodes.kill(a);
    const { value, usage } = await fetching;
    expect([value[0], usage.inputs?.fromPeers]).toEqual([hash, undefined]);
    expect(nodes.gets('/input')).toBeGreaterThan(before);
    expect(partsIn(nodes.folder)).toEqual([]);
  });

  test('when the other node has as many askers as it may', async () => {
    const [nodes, a, b] = await two({ peerTransfers: { perSource: 1 } });
    await using _nodes = nodes;
    const paths = Array.from({ length: 8 }, (_, index) => `/input-${index}`);
    const hashes = paths.map((path) => nodes.put(path, 6 * MIB));
    const inputs = paths.map((path) => file(nodes.server.origin + path));
    const hashAll = async (...all: DataFile[]): Promise<string[]> => {
      const { createHash } = await import('node:crypto');
      const { readFile: read } = await import('node:fs/promises');
      const sums = all.map(async ({ path }) =>
        createHash('sha256')
          .update(await read(path))
          .digest('hex'),
      );
      return Promise.all(sums);
    };
    await nodes.on(a, hashAll, inputs);
    const before = paths.map(nodes.gets);
    const { value, usage } = await nodes.on(b, hashAll, inputs);
    expect(value).toEqual(hashes);
    const fromStore = paths.filter((path, index) => nodes.gets(path) > (before[index] as number)).length;
    const { fromPeers = 0, misses } = usage.inputs ?? {};
    expect([fromPeers + fromStore, misses]).toEqual([8, 8]);
    // How many had to go to the store depends on how fast the node was.
    expect(fromPeers).toBeGreaterThan(0);
  });
});

test('three nodes fetch their inputs once from the store, and the first may be gone by then', async () => {
  await using nodes = await peerNodes(3, { peerTransfers: true });
  const [a = '', b = '', c = ''] = nodes.managers;
  const hashes = [nodes.put('/x', MIB), nodes.put('/y', 2 * MIB)];
  const read = (manager: string) =>
    Promise.all(['/x', '/y'].map((path) => nodes.on(manager, hashOf, [file(nodes.server.origin + path)])));
  await read(a);
  const before = nodes.gets('/x') + nodes.gets('/y');
  await read(b);
  await nodes.kill(a);
  const ran = await read(c);
  expect(ran.map(({ value }) => value[0])).toEqual(hashes);
  expect(ran.map(({ usage }) => usage.inputs?.fromPeers)).toEqual([1, 1]);
  expect(nodes.gets('/x') + nodes.gets('/y')).toBe(before);
});

describe('temporary files on nodes', () => {
  test('folders are read in place, and fetched with all that is below them', async () => {
    const [nodes, a, b] = await two();
    await using _nodes = nodes;
    const { kept: relayed } = await nodes.on(a, makeFolder, [], { kind: 'bash', outputs: ['temp:results/'] });
    for (const manager of [a, b]) {
      const { value } = await nodes.on(manager, listOf, [file('temp:results/')], { relayed });
      expect(value).toEqual({ a: 'one\n', 'below/b c': 'two\n' });
    }
  });

  test('are counted, and go when nobody needs them any more, or at the close', async () => {
    const [nodes, a, b] = await two();
    await using _nodes = nodes;
    const { executor, on, submit } = nodes;
    const first = await on(a, makeRandom, [1_000], { kind: 'bash', outputs: [NAME] });
    const second = await on(a, makeRandom, [2_000], { kind: 'bash', outputs: ['temp:other'] });
    const folder = await on(b, makeFolder, [], { kind: 'bash', outputs: ['temp:results/'] });
    const keptOf = async () => (await executor.managers()).map(({ id, kept }) => [id, kept]).sort();
    const expected = [
      [a, { files: 2, bytes: 3_000 }],
      [b, { files: 1, bytes: 8 }],
    ].sort();
    await vi.waitFor(async () => expect(await keptOf()).toEqual(expected));
    executor.dropTemporary([...Object.values(first.kept), ...Object.values(folder.kept), 's3://not/ours']);
    const left = [
      [a, { files: 1, bytes: 2_000 }],
      [b, { files: 0, bytes: 0 }],
    ].sort();
    await vi.waitFor(async () => expect(await keptOf()).toEqual(left));
    await vi.waitFor(async () => expect((await nodes.scratch()).filter(isKept)).toHaveLength(1));
    expect(await codeOf(submit(hashOf, [file(NAME)], { relayed: first.kept }))).toBe('INPUT_LOST');
    expect(await on(b, hashOf, [file('temp:other')], { relayed: second.kept })).toMatchObject({
      value: [/./, /./, 2_000],
    });
    await executor.close({ graceMs: 0 });
    expect((await nodes.scratch()).filter((path) => !path.includes('/cache/'))).toEqual([]);
  });

  test('are lost with their node, by name, and nothing hangs for it', async () => {
    const [nodes, a, b] = await two();
    await using _nodes = nodes;
    const { kept: relayed } = await nodes.on(a, makeRandom, [50_000], { kind: 'bash', outputs: [NAME] });
    await nodes.kill(a);
    // Until it is seen to be gone, tasks may still go there.
    const lost = nodes.on(b, hashOf, [file(NAME)], { relayed });
    await expect(lost).rejects.toMatchObject({
      code: 'INPUT_LOST',
      class: 'infrastructure',
      message: expect.stringMatching(/temp:parts\/some%20data\.bin/),
    });
    await expect(
      nodes.on(b, listOf, [file('temp:results/')], {
        relayed: { 'temp:results/': relayed[NAME]?.replace(/some%20.*$/, '') ?? '' },
      }),
    ).rejects.toMatchObject({ code: 'INPUT_LOST' });
  });

  test('that another node has in its cache survive theirs', async () => {
    await using nodes = await peerNodes(3, { peerTransfers: true });
    const [a = '', b = '', c = ''] = nodes.managers;
    const { kept: relayed } = await nodes.on(a, makeRandom, [50_000], { kind: 'bash', outputs: [NAME] });
    const { value } = await nodes.on(b, hashOf, [file(NAME)], { relayed });
    await nodes.kill(a);
    const ran = await nodes.on(c, hashOf, [file(NAME)], { relayed });
    expect([ran.value[0], ran.usage.inputs?.fromPeers]).toEqual([value[0], 1]);
  });

  test('draw their tasks, where managers are chosen by what they have', async () => {
    const [nodes, a, b] = await two({ managerSelection: 'near' });
    await using _nodes = nodes;
    const whereOf = (_input: DataFile) => process.env.SLUICE_WORKER_POOL_ID;
    for (const manager of [a, b]) {
      const { kept: relayed } = await nodes.on(manager, makeRandom, [50_000], { kind: 'bash', outputs: [NAME] });
      for (let turn = 0; turn < 3; turn++) {
        expect((await nodes.submit(whereOf, [file(NAME)], { relayed })).value).toBe(manager);
      }
    }
  });

  test('of a failed task are not kept', async () => {
    const [nodes, a] = await two();
    await using _nodes = nodes;
    const half = (io: Io) => io.sh`echo half > ${io.outputs[0]}`;
    const failing = nodes.on(a, half, [], { kind: 'bash', outputs: ['temp:one', 'temp:two'] });
    expect(await codeOf(failing)).toBe('MISSING_OUTPUT');
    expect((await nodes.scratch()).filter(isKept)).toEqual([]);
    nodes.server.onRequest = ({ method }) => (method === 'PUT' ? { kind: 'status', status: 403 } : undefined);
    const both = (io: Io) => io.sh`echo one > ${io.outputs[0]}; echo two > ${io.outputs[1]}`;
    const outputs = ['temp:one', `${nodes.server.origin}/two`];
    expect(await codeOf(nodes.on(a, both, [], { kind: 'bash', outputs }))).toBe('ACCESS_DENIED');
    expect((await nodes.scratch()).filter(isKept)).toEqual([]);
    const odd = nodes.on(a, makeRandom, [10], { kind: 'bash', outputs: ['temp:a/%2e%2e/x'] });
    expect(await codeOf(odd)).toBe('INVALID_OPTIONS');
  });
});

test('at the close no folder, no port and no process is left, with transfers under way', async () => {
  const [nodes, a, b] = await two({ peerTransfers: true });
  await using _nodes = nodes;
  nodes.put('/other', 64 * MIB);
  await nodes.on(a, makeRandom, [50_000], { kind: 'bash', outputs: [NAME] });
  const ports = (await nodes.executor.managers()).map(({ peer }) => Number(/:(\d+)\//.exec(peer ?? '')?.[1]));
  expect(await Promise.all(ports.map(listens))).toEqual([true, true]);
  const managers = await Promise.all([a, b].map(nodes.pidOf));
  const pids = managers.flatMap((pid) => [pid, ...descendants(pid)]);
  const fetching = codeOf(nodes.submit(hashOf, [file(`${nodes.server.origin}/other`)]));
  await vi.waitFor(() => expect(partsIn(nodes.folder)).not.toEqual([]), { timeout: 30_000, interval: 1 });
  await nodes.executor.close({ graceMs: 0 });
  expect(await fetching).toBe('WORKER_LOST');
  expect(await Promise.all(ports.map(listens))).toEqual([false, false]);
  await whenGone(pids);
  // What a cache was being filled with is for the next one who uses it to remove.
  expect((await nodes.scratch()).filter((path) => !path.includes('/cache/'))).toEqual([]);
});

test('where the disk is shared, temporary files stay on nodes only by option', async () => {
  const run = await import('../fixtures/htex/htex-run.js');
  for (const temporaryFiles of ['run', 'node'] as const) {
    await using started = await run.htexRun({ temporaryFiles });
    expect(started.executor.capabilities.keepsTemporary).toBe(temporaryFiles === 'node');
  }
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

const isKept = (path: string): boolean => path.includes('/kept/');

/** The folder of the node that a task ran on, by a path of its. */
function nodeOf({ folder }: PeerNodes, path: string): string {
  const below = path.slice(join(folder, 'nodes').length + 1);
  return join(folder, 'nodes', below.slice(0, below.indexOf('/')));
}

function contentsIn(folder: string): readonly string[] {
  return below(folder).filter((path) => path.endsWith('/content/data'));
}

function partsIn(folder: string): readonly string[] {
  return below(folder).filter((path) => path.endsWith('.part') && existsSync(path));
}

function below(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  } catch {
    // Something went while it was read.
    return [];
  }
}
