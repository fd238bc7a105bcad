import { mkdir, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shortHash } from '../data/local-name.js';
import { writeWhole } from '../data/write-whole.js';
import type { Backends } from './backends.js';

/** How values that lie elsewhere are read and written. */
export type ValueStore = Pick<Backends, 'fetch' | 'keep'>;

export interface NodeValuesOptions {
  /** All workers of a node share it. */
  readonly folder: string;
  /** Values below this URL are kept here, too; others are read anew each time. */
  readonly below: string;
  /** Bytes that may be kept, at most; never more than a part of what the disk has left. Default: 1 GiB. */
  readonly mostBytes?: number;
}

const MOST_BYTES = 2 ** 30;
/** A value that leaves the disk less than so many times its size is not kept. */
const ROOM_FACTOR = 4;

/**
 * Copies, on a node's disk, of the values that its workers made or read: a task on the same node finds them here, and
 * fetches nothing. Of a value nothing ever changes. When they become too many, the oldest go.
 */
export function createNodeValues(store: ValueStore, options: NodeValuesOptions): ValueStore {
  const { folder, below, mostBytes = MOST_BYTES } = options;
  const pathOf = (url: string) => (url.startsWith(`${below}/`) ? join(folder, shortHash(url)) : undefined);

  const copy = async (path: string, bytes: Uint8Array): Promise<void> => {
    if (!(await makeRoom(folder, bytes.byteLength, mostBytes))) return;
    await writeWhole(path, (temporary) => writeFile(temporary, bytes, { mode: 0o600 }));
  };

  return {
    async fetch(url) {
      const path = pathOf(url);
      if (path === undefined) return store.fetch(url);
      const kept = await readFile(path).catch(() => undefined);
      if (kept !== undefined) return kept;
      const bytes = await store.fetch(url);
      await copy(path, bytes).catch(ignoreFailure);
      return bytes;
    },
    async keep(url, bytes) {
      await store.keep(url, bytes);
      const path = pathOf(url);
      if (path !== undefined) await copy(path, bytes).catch(ignoreFailure);
    },
  };
}

// What cannot be kept here can be fetched.
function ignoreFailure(): void {}

/** Removes the oldest until there is room for so many bytes; answers whether there is. */
async function makeRoom(folder: string, bytes: number, mostBytes: number): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(folder);
  if (bytes > mostBytes || bytes * ROOM_FACTOR > bavail * bsize) return false;
  const kept = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      // Another worker may have removed it.
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
      return { path, size, mtimeMs };
    }),
  );
  let total = kept.reduce((sum, { size }) => sum + size, bytes);
  for (const { path, size } of kept.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (total <= mostBytes) break;
    await rm(path, { force: true });
    total -= size;
  }
  return true;
}
