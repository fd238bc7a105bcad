import { stat } from 'node:fs/promises';
import { localFailure } from '../write-whole.js';
import { type OpenArchive, openArchive } from './open-archive.js';

/** Archives that are read, so that the directory of one is not read anew for each of its members. */
export interface ArchivePool {
  /** Lets `read` look into an archive as it is now. @param what names the step in errors */
  use<T>(path: string, what: string, read: (archive: OpenArchive) => Promise<T>): Promise<T>;
  /** Closes those that nobody uses, and the others afterwards. */
  close(): Promise<void>;
}

interface Pooled {
  readonly version: string;
  readonly opened: Promise<OpenArchive>;
  users: number;
  isRetired: boolean;
}

/** An {@link ArchivePool} that keeps a few open. */
export function createArchivePool(): ArchivePool {
  const pool = new Map<string, Pooled>();
  const retire = async (path: string, pooled: Pooled): Promise<void> => {
    if (pool.get(path) === pooled) pool.delete(path);
    pooled.isRetired = true;
    if (pooled.users === 0) await closeOf(pooled);
  };
  return {
    async use(path, what, read) {
      const version = await versionOf(path, what);
      const known = pool.get(path);
      const pooled =
        known?.version === version ? known : { version, opened: openArchive(path, what), users: 0, isRetired: false };
      pooled.users += 1;
      pool.delete(path);
      pool.set(path, pooled);
      try {
        if (known !== undefined && known !== pooled) await retire(path, known);
        const [oldest] = pool;
        if (pool.size > KEPT_OPEN && oldest !== undefined) await retire(...oldest);
        return await read(await pooled.opened);
      } catch (error) {
        // One that cannot be opened is not kept.
        await pooled.opened.catch(() => retire(path, pooled));
        throw error;
      } finally {
        pooled.users -= 1;
        if (pooled.users === 0 && pooled.isRetired) await closeOf(pooled);
      }
    },
    async close() {
      await Promise.all([...pool].map((entry) => retire(...entry)));
    },
  };
}

const KEPT_OPEN = 4;

// Those that replace an archive give its name to another file.
async function versionOf(path: string, what: string): Promise<string> {
  const { dev, ino, mtimeNs, size } = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw localFailure(`${what}: read ${path}`, error);
  });
  return [dev, ino, mtimeNs, size].join('-');
}

async function closeOf({ opened }: Pooled): Promise<void> {
  const archive = await opened.catch(() => undefined);
  await archive?.close();
}
