import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListPartsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { downloadObject } from '../../src/data/objects/download-object.js';
import { uploadFile } from '../../src/data/objects/upload-file.js';
import { startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';

const MEBIBYTE = 1024 * 1024;
const SIZE = 300 * MEBIBYTE;
const SCRIPT = fileURLToPath(new URL('../fixtures/object-store/large-transfer.mjs', import.meta.url));
const Bucket = 'large';

vi.setConfig({ testTimeout: 180_000 });

let cloud: Awaited<ReturnType<typeof startLocalCloud>>;
let restore: () => void;
let s3: S3Client;
let store: ObjectStore;
let folder: string;
let path: string;
let sha256: string;
let Key: string;

beforeAll(async () => {
  cloud = await startLocalCloud();
  restore = cloud.applyEnv();
  s3 = new S3Client({ forcePathStyle: true });
  store = createS3Store({ bucket: Bucket });
  await s3.send(new CreateBucketCommand({ Bucket }));
  folder = await mkdtemp(join(tmpdir(), 'sluice-large-'));
  path = join(folder, 'large.bin');
  sha256 = await writeRandom(path);
});
afterAll(async () => {
  s3?.destroy();
  await store?.close();
  restore?.();
  await cloud?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});
beforeEach((context) => {
  Key = `out/${context.task.id}.bin`;
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
  const args = [SCRIPT, direction, `s3://${Bucket}/${Key}`, path];
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

async function uploads() {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
  return Uploads;
}

/** Parts that have arrived of the one upload to the key. */
async function partsThere(): Promise<number> {
  const [upload] = await uploads();
  if (upload === undefined) return 0;
  const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId: upload.UploadId }));
  return Parts.length;
}

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
    expect((await store.head(Key))?.size).toBe(SIZE);
    expect(await uploads()).toEqual([]);
  } finally {
    clearInterval(watch);
  }
});

describe('a process killed in the middle', () => {
  test('of a stage-out leaves the old object as it was, and an upload that the next one ends', async () => {
    await store.put(Key, Buffer.from('old'));
    const child = transfer('out');
    await expect.poll(partsThere, { timeout: 60_000, interval: 5 }).toBeGreaterThan(1);
    await killed(child);
    expect(Buffer.from(await store.get(Key)).toString()).toBe('old');
    expect((await uploads()).map((upload) => upload.Key)).toEqual([Key]);
    await outputOf(transfer('out'));
    expect((await store.head(Key))?.size).toBe(SIZE);
    expect(await uploads()).toEqual([]);
  });

  test('of a stage-in leaves nothing under the name of the input', async () => {
    await uploadFile(store, Key, { path });
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
    await store.put(Key, Buffer.from('old'));
    const stop = new AbortController();
    const running = uploadFile(store, Key, { path, signal: stop.signal });
    const aborted = expect(running).rejects.toThrow('not wanted any more');
    await expect.poll(partsThere, { timeout: 60_000, interval: 5 }).toBeGreaterThan(1);
    stop.abort(new Error('not wanted any more'));
    await aborted;
    expect(Buffer.from(await store.get(Key)).toString()).toBe('old');
    expect(await uploads()).toEqual([]);
  });

  test('of a stage-in removes what had come', async () => {
    await uploadFile(store, Key, { path });
    const target = await mkdtemp(join(folder, 'aborted-'));
    const stop = new AbortController();
    const running = downloadObject(store, Key, { path: join(target, 'copy'), signal: stop.signal });
    const aborted = expect(running).rejects.toThrow('not wanted any more');
    await expect.poll(() => readdir(target), { timeout: 60_000, interval: 1 }).toHaveLength(1);
    stop.abort(new Error('not wanted any more'));
    await aborted;
    expect(await readdir(target)).toEqual([]);
  });
});
