import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { downloadObject } from '../../src/data/objects/download-object.js';
import { uploadFile } from '../../src/data/objects/upload-file.js';
import { startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';

const MEBIBYTE = 1024 * 1024;
const SIZE = 300 * MEBIBYTE;
const SCRIPT = fileURLToPath(new URL('../fixtures/object-store/large-transfer.mjs', import.meta.url));
const BUCKET = 'large';

vi.setConfig({ testTimeout: 180_000 });

let cloud: Awaited<ReturnType<typeof startLocalCloud>>;
let restore: () => void;
let store: ObjectStore;
let folder: string;
let path: string;
let sha256: string;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-large-'));
  cloud = await startLocalCloud({ folder: join(folder, 'cloud') });
  restore = cloud.applyEnv();
  await new Storage().createBucket(BUCKET);
  store = createGcsStore({ bucket: BUCKET });
  path = join(folder, 'large.bin');
  sha256 = await writeRandom(path);
});
afterAll(async () => {
  await store?.close();
  restore?.();
  await cloud?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});
beforeEach(({ task }) => {
  key = `out/${task.id}.bin`;
});

async function writeRandom(target: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(target, 'w');
  for (let written = 0; written < SIZE; written += MEBIBYTE) {
    const block = randomBytes(MEBIBYTE);
    hash.update(block);
    await handle.write(block);
  }
  await handle.close();
  return hash.digest('hex');
}

function transfer(direction: 'in' | 'out' | 'both'): ChildProcess {
  const args = [SCRIPT, direction, `gs://${BUCKET}/${key}`, path];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function outputOf(child: ChildProcess): Promise<{ hashes: string[]; growthMiB: number }> {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  expect((await once(child, 'close'))[0]).toBe(0);
  return JSON.parse(text);
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  expect((await ended)[1]).toBe('SIGKILL');
}

/** Parts that the service has of each upload under way, by the upload's file. */
async function uploads(): Promise<ReadonlyMap<string, number>> {
  const sessions = join(folder, 'cloud/gcs/buckets', BUCKET, 'sessions');
  const files = (await readdir(sessions)).filter((name) => name.endsWith('.json'));
  const counted = files.map(async (name) => {
    const text = await readFile(join(sessions, name), 'utf8').catch(() => '{"segments":[]}');
    return [name, JSON.parse(text).segments.length as number] as const;
  });
  return new Map(await Promise.all(counted));
}

/** Most parts of an upload that was not among these. */
async function partsBeside(known: ReadonlyMap<string, number>): Promise<number> {
  const others = [...(await uploads())].filter(([name]) => !known.has(name)).map(([, parts]) => parts);
  return Math.max(0, ...others);
}

const contentOf = async () => Buffer.from(await store.get(key)).toString();

test('300 MiB go out, come back and are read as a stream in bounded memory, here and in the service', async () => {
  const serviceBefore = process.memoryUsage.rss();
  let servicePeak = serviceBefore;
  const watch = setInterval(() => {
    servicePeak = Math.max(servicePeak, process.memoryUsage.rss());
  }, 20);
  try {
    const { hashes, growthMiB } = await outputOf(transfer('both'));
    expect(hashes).toEqual([sha256, sha256]);
    expect(growthMiB).toBeLessThan(150);
    expect((servicePeak - serviceBefore) / MEBIBYTE).toBeLessThan(150);
    expect((await store.head(key))?.size).toBe(SIZE);
  } finally {
    clearInterval(watch);
  }
});

describe('a process killed in the middle', () => {
  test('of a stage-out leaves the old object as it was, and nothing that is seen', async () => {
    await store.put(key, Buffer.from('old'));
    const before = await uploads();
    const child = transfer('out');
    await expect.poll(() => partsBeside(before), { timeout: 60_000, interval: 5 }).toBeGreaterThan(1);
    await killed(child);
    expect(await contentOf()).toBe('old');
    const listed: string[] = [];
    for await (const info of store.listAfter(key)) listed.push(info.key);
    expect(listed).toEqual([key]);
    // The next attempt is not in its way.
    await outputOf(transfer('out'));
    expect((await store.head(key))?.size).toBe(SIZE);
  });

  test('of a stage-in leaves nothing under the name of the input', async () => {
    await uploadFile(store, key, { path });
    const target = `${path}.in`;
    await rm(target, { recursive: true, force: true });
    const child = transfer('in');
    const names = async () =>
      (await readdir(target, { recursive: true }).catch(() => [])).filter((name) => /\./.test(name));
    await expect.poll(names, { timeout: 60_000, interval: 5 }).toHaveLength(1);
    await killed(child);
    // Hidden, and of a name that nobody asks for.
    for (const name of await names()) expect(name).toMatch(/\/\.[0-9a-f.-]+\.part$/);
  });
});

describe('an abort in the middle', () => {
  test('of a stage-out ends the upload, and the old object stays', async () => {
    await store.put(key, Buffer.from('old'));
    const before = await uploads();
    const stop = new AbortController();
    const running = uploadFile(store, key, { path, signal: stop.signal });
    const aborted = expect(running).rejects.toThrow('not wanted any more');
    await expect.poll(() => partsBeside(before), { timeout: 60_000, interval: 5 }).toBeGreaterThan(1);
    stop.abort(new Error('not wanted any more'));
    await aborted;
    expect(await contentOf()).toBe('old');
    expect([...(await uploads()).keys()]).toEqual([...before.keys()]);
  });

  test('of a stage-in removes what had come', async () => {
    await uploadFile(store, key, { path });
    const target = await mkdtemp(join(folder, 'aborted-'));
    const stop = new AbortController();
    const running = downloadObject(store, key, { path: join(target, 'copy'), signal: stop.signal });
    const aborted = expect(running).rejects.toThrow('not wanted any more');
    await expect.poll(() => readdir(target), { timeout: 60_000, interval: 1 }).toHaveLength(1);
    stop.abort(new Error('not wanted any more'));
    await aborted;
    expect(await readdir(target)).toEqual([]);
  });
});
