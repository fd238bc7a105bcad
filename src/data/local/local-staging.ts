import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../../errors.js';
import { runParallel } from '../../object-store/run-parallel.js';
import type { DataFile } from '../data-file.js';
import { localIdentity } from '../local-file.js';
import type { FileIdentity, Staging } from '../staging.js';
import { localFailure, removeLeftovers, writeWhole } from '../write-whole.js';
import { listFolder } from './local-listing.js';

/** Staging of `file:` URLs on a disk the worker sees: inputs are read where they are, outputs copied into place. */
export function createLocalStaging(): Staging {
  const isLocal = (file: DataFile) => file.scheme === 'file';
  return {
    name: 'local',
    schemes: ['file'],
    capabilities: { stageOut: true, list: true, remove: true, identity: 'time', readsInPlace: true },
    canStageIn: isLocal,
    canStageOut: isLocal,
    async stageIn(file, { signal, identity, onProgress }) {
      signal.throwIfAborted();
      if (file.isFolder) return folderAt(file.path);
      const { tag, size } = await localIdentity(file.path);
      if (identity !== undefined && identity.tag !== tag) {
        throw new SluiceError('TRANSFER_FAILED', `read ${file.path}: it is not the file any more that was asked for`);
      }
      onProgress?.(size);
      return file.path;
    },
    async stageOut(file, { path, signal, onProgress, mayMove = false }) {
      signal.throwIfAborted();
      const isThere = path === file.path || (mayMove && (await movedTo(path, file.path)));
      if (!isThere) await copyInto(path, file.path, signal);
      const identity = await localIdentity(file.path);
      onProgress?.(identity.size);
      return identity;
    },
    identity: (file) => identityIfThere(file.path),
    list: (folder, signal) => listFolder(folder.path, signal),
    async remove(files, signal) {
      await runParallel(files, { limit: PARALLEL_FILES, signal }, async ({ path }) => {
        await rm(path, { force: true }).catch((error: unknown) => {
          throw localFailure(`remove ${path}`, error);
        });
      });
    },
    close: async () => undefined,
  };
}

const PARALLEL_FILES = 8;

async function folderAt(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    throw localFailure(`read the folder ${path}`, error);
  });
  if (found.isDirectory()) return path;
  throw new SluiceError('INVALID_OPTIONS', `${path} is no folder`);
}

// False when it has to be copied: from another disk, or because the name only leads to what stays.
async function movedTo(source: string, target: string): Promise<boolean> {
  try {
    if (!(await lstat(source)).isFile()) return false;
    await mkdir(dirname(target), { recursive: true });
    await rename(source, target);
    return true;
  } catch {
    // The copy that follows says what is wrong.
    return false;
  }
}

async function copyInto(source: string, target: string, signal: AbortSignal): Promise<void> {
  await localIdentity(source);
  await removeLeftovers(dirname(target));
  await writeWhole(target, async (temporaryPath) => {
    // A clone where the file system can make one; a copy elsewhere, as the target may be on another disk.
    await copyFile(source, temporaryPath, constants.COPYFILE_FICLONE).catch((error: unknown) => {
      throw localFailure(`copy ${source} to ${target}`, error);
    });
    signal.throwIfAborted();
    await makeWritable(temporaryPath);
    await syncToDisk(temporaryPath);
    signal.throwIfAborted();
  });
}

// `cp` and `mv` of an input that a node's cache protects against writing keep that of the output, too.
async function makeWritable(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & WRITABLE_BY_OWNER) === 0) await chmod(path, mode | WRITABLE_BY_OWNER);
}

const WRITABLE_BY_OWNER = 0o200;

async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function identityIfThere(path: string): Promise<FileIdentity | undefined> {
  try {
    return await localIdentity(path);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
