import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { downloadObject } from '../../src/data/objects/download-object.js';
import { uploadFile } from '../../src/data/objects/upload-file.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { ObjectStore } from '../../src/object-store/object-store.js';
import { type Direction, killed, outputOf, startTransfer, writeRandom } from './large-transfer.js';

/** A kind of store, as the tests of large objects have to know it. */
export interface LargeObjectStore {
  readonly scheme: 's3' | 'gs';
  /** What becomes of the upload of a process that was killed. */
  readonly leftUpload: keyof typeof LEFT_UPLOADS;
  /** Makes a bucket in the local-cloud that the environment leads to; `folder` is where it keeps its state. */
  openBucket(bucket: string, folder: string): Promise<LargeObjectBucket>;
}

/** A new bucket, and what its service has of it. */
export interface LargeObjectBucket {
  readonly store: ObjectStore;
  uploads(): Promise<readonly UploadUnderWay[]>;
  /** Closes the store and whatever else was opened. */
  close(): Promise<void>;
}

/** An upload that was begun and is not over. */
export interface UploadUnderWay {
  readonly id: string;
  readonly key: string;
  /** Those that have arrived. */
  readonly parts: number;
}

const LEFT_UPLOADS = {
  endedByTheNext: 'an upload that the next one ends',
  unseen: 'nothing that is seen',
} as const;
const MEBIBYTE = 1024 * 1024;
const SIZE = 300 * MEBIBYTE;
const BUCKET = 'large';
const SOON = { timeout: 60_000, interval: 5 } as const;

/**
 * Declares the tests of 300 MiB on the way to and from a store: by a process that is left alone, by one that is killed,
 * and until they are aborted. They run in a local-cloud of their own, one for all of the calling file.
 */
export function largeObjects(kind: LargeObjectStore): void {
  vi.setConfig({ testTimeout: 180_000 });
  const use = openForTests(kind);
  undisturbed(use);
  killedInTheMiddle(kind, use);
  abortedInTheMiddle(use);
}

/** What a test works with: the bucket, a key of the test's own, and a file of {@link SIZE} random bytes. */
interface Use extends Omit<LargeObjectBucket, 'close'> {
  readonly key: string;
  readonly folder: string;
  readonly path: string;
  readonly sha256: string;
  /** Starts a process that brings the file to the key, or back, or both. */
  transfer(direction: Direction): ChildProcess;
}

function openForTests(kind: LargeObjectStore): () => Use {
  let folder: string;
  let cloud: LocalCloud;
  let restore: () => void;
  let bucket: LargeObjectBucket;
  let file: { readonly path: string; readonly sha256: string };
  let key: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-large-'));
    cloud = await startLocalCloud({ folder: join(folder, 'cloud') });
    restore = cloud.applyEnv();
    bucket = await kind.openBucket(BUCKET, join(folder, 'cloud'));
    const path = join(folder, 'large.bin');
    file = { path, sha256: await writeRandom(path, SIZE) };
  });
  afterAll(async () => {
    await bucket?.close();
    restore?.();
    await cloud?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  beforeEach(({ task }) => {
    key = `out/${task.id}.bin`;
  });
  const transfer: Use['transfer'] = (direction) =>
    startTransfer(direction, `${kind.scheme}://${BUCKET}/${key}`, file.path);
  return () => ({ store: bucket.store, uploads: () => bucket.uploads(), key, folder, ...file, transfer });
}

function undisturbed(use: () => Use): void {
  test('300 MiB go out, come back and are read as a stream in bounded memory, here and in the service', async () => {
    const { store, uploads, key, sha256, transfer } = use();
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
      expect(await uploads()).toEqual([]);
    } finally {
      clearInterval(watch);
    }
  });
}

function killedInTheMiddle({ leftUpload }: LargeObjectStore, use: () => Use): void {
  describe('a process killed in the middle', () => {
    test(`of a stage-out leaves the old object as it was, and ${LEFT_UPLOADS[leftUpload]}`, async () => {
      const used = use();
      const { store, uploads, key, transfer } = used;
      await store.put(key, Buffer.from('old'));
      const before = await uploads();
      const child = transfer('out');
      await expect.poll(() => partsBeside(before, used), SOON).toBeGreaterThan(1);
      await killed(child);
      expect(await textOf(store, key)).toBe('old');
      const listed: string[] = [];
      for await (const info of store.listAfter(key)) listed.push(info.key);
      expect(listed).toEqual([key]);
      const left = await uploadsBeside(before, used);
      expect(left.map((upload) => upload.key)).toEqual([key]);
      // The next attempt is not in its way.
      await outputOf(transfer('out'));
      expect((await store.head(key))?.size).toBe(SIZE);
      expect(idsOf(await uploadsBeside(before, used))).toEqual(leftUpload === 'endedByTheNext' ? [] : idsOf(left));
    });

    test('of a stage-in leaves nothing under the name of the input', async () => {
      const { store, key, path, transfer } = use();
      await uploadFile(store, key, { path });
      const target = `${path}.in`;
      await rm(target, { recursive: true, force: true });
      const child = transfer('in');
      const names = async () =>
        (await readdir(target, { recursive: true }).catch(() => [])).filter((name) => /\./.test(name));
      await expect.poll(names, SOON).toHaveLength(1);
      await killed(child);
      // Hidden, and of a name that nobody asks for.
      for (const name of await names()) expect(name).toMatch(/\/\.[0-9a-f.-]+\.part$/);
    });
  });
}

function abortedInTheMiddle(use: () => Use): void {
  describe('an abort in the middle', () => {
    test('of a stage-out ends the upload, and the old object stays', async () => {
      const used = use();
      const { store, uploads, key, path } = used;
      await store.put(key, Buffer.from('old'));
      const before = await uploads();
      const stop = new AbortController();
      const running = uploadFile(store, key, { path, signal: stop.signal });
      const aborted = expect(running).rejects.toThrow('not wanted any more');
      await expect.poll(() => partsBeside(before, used), SOON).toBeGreaterThan(1);
      stop.abort(new Error('not wanted any more'));
      await aborted;
      expect(await textOf(store, key)).toBe('old');
      expect(idsOf(await uploads())).toEqual(idsOf(before));
    });

    test('of a stage-in removes what had come', async () => {
      const { store, key, path, folder } = use();
      await uploadFile(store, key, { path });
      const target = await mkdtemp(join(folder, 'aborted-'));
      const stop = new AbortController();
      const running = downloadObject(store, key, { path: join(target, 'copy'), signal: stop.signal });
      const aborted = expect(running).rejects.toThrow('not wanted any more');
      await expect.poll(() => readdir(target), { ...SOON, interval: 1 }).toHaveLength(1);
      stop.abort(new Error('not wanted any more'));
      await aborted;
      expect(await readdir(target)).toEqual([]);
    });
  });
}

/** Uploads under way that are not among these. */
async function uploadsBeside(known: readonly UploadUnderWay[], { uploads }: Use): Promise<readonly UploadUnderWay[]> {
  return (await uploads()).filter(({ id }) => !known.some((other) => other.id === id));
}

/** Most parts of an upload that is not among these. */
async function partsBeside(known: readonly UploadUnderWay[], use: Use): Promise<number> {
  return Math.max(0, ...(await uploadsBeside(known, use)).map(({ parts }) => parts));
}

const idsOf = (uploads: readonly UploadUnderWay[]) => uploads.map(({ id }) => id);

async function textOf(store: ObjectStore, key: string): Promise<string> {
  return Buffer.from(await store.get(key)).toString();
}
