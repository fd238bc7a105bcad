import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '../cache/errno.js';
import { contentCrc32 } from '../content-hash.js';
import { localFailure, writeWhole } from '../write-whole.js';

/** A file that was kept. */
export interface KeptFile {
  readonly size: number;
  readonly crc32: number;
}

/**
 * Makes the local file `path` the file `home` of a node's own folder, which can be read only: by another name for it where
 * it is nobody else's and on the same disk, else as a copy. It appears there whole.
 */
export async function keepFile(path: string, home: string, signal: AbortSignal): Promise<KeptFile> {
  signal.throwIfAborted();
  try {
    await mkdir(dirname(home), { recursive: true, mode: 0o700 });
    if (!(await moved(path, home))) await copied(path, home);
    await chmod(home, READ_ONLY);
    const { size } = await stat(home);
    return { size, crc32: await contentCrc32(home, signal) };
  } catch (error) {
    await rm(home, { force: true });
    throw localFailure(`keep ${path} as ${home}`, error);
  }
}

const READ_ONLY = 0o444;

// A link leads to what is somebody else's, and so does a second name.
async function moved(path: string, home: string): Promise<boolean> {
  const found = await lstat(path);
  if (!found.isFile() || found.nlink > 1) return false;
  try {
    await rename(path, home);
    return true;
  } catch (error) {
    if (isErrno(error, 'EXDEV')) return false;
    throw error;
  }
}

function copied(path: string, home: string): Promise<void> {
  return writeWhole(home, (temporary) => copyFile(path, temporary, constants.COPYFILE_FICLONE));
}
