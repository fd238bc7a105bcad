import { constants, linkSync } from 'node:fs';
import { chmod, copyFile, rm, stat } from 'node:fs/promises';
import { localFailure } from '../write-whole.js';
import { type FileState, isSame, readState } from './content.js';
import { isErrno } from './errno.js';

/** Where a task has its own name for a content. */
export interface Placed {
  readonly path: string;
  /** The task's name and the cache's are of one file: what the task does to it, it does to all. */
  readonly isLink: boolean;
}

/**
 * Gives a content a second name, or copies it; `undefined` when it is gone or has changed meanwhile. Users other than
 * root cannot write to a link without taking the file's protection away first; root can, and gets copies, as does whoever
 * is on another disk.
 */
export async function placeFile(
  content: FileState & { readonly path: string },
  path: string,
): Promise<Placed | undefined> {
  const isLink = mayLink() && linked(content.path, path);
  if (!isLink && !(await copied(content.path, path))) return undefined;
  const state = readState(isLink ? path : content.path);
  if (state !== undefined && isSame(state, content)) return { path, isLink };
  await rm(path, { force: true });
  return undefined;
}

function mayLink(): boolean {
  return process.geteuid?.() !== 0;
}

function linked(source: string, path: string): boolean {
  try {
    linkSync(source, path);
    return true;
  } catch (error) {
    // Another disk, a file system without links, or one with too many to this file; or it is gone, as a copy will find.
    if (isErrno(error, 'EXDEV', 'EPERM', 'EMLINK', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'ENOENT', 'ENOTDIR'))
      return false;
    throw localFailure(`create ${path}`, error);
  }
}

async function copied(source: string, path: string): Promise<boolean> {
  try {
    await copyFile(source, path, constants.COPYFILE_FICLONE);
    // The copy is the task's own, and has come with the source's mode.
    await chmod(path, (await stat(path)).mode | WRITABLE_BY_OWNER);
    return true;
  } catch (error) {
    await rm(path, { force: true });
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw localFailure(`create ${path}`, error);
  }
}

const WRITABLE_BY_OWNER = 0o200;
