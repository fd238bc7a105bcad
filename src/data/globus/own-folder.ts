import { constants } from 'node:fs';
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { localFailure, newTemporaryName, writeWhole } from '../write-whole.js';
import type { OwnCollection } from './globus-staging-options.js';

/** A file of the worker's that Globus sees. */
export interface SharedFile {
  /** As the worker sees it. */
  readonly path: string;
  /** As the collection has it. */
  readonly remotePath: string;
  /** Whether it is there only for a transfer. */
  readonly isTemporary: boolean;
}

/** Folder below the shared one through which files pass. */
const PASSAGE = '.sluice-transfers';

/** A free path in the passage, for a file that comes. */
export async function freePlace(own: OwnCollection): Promise<SharedFile> {
  const folder = join(own.localPath, PASSAGE);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw localFailure(`create the folder ${folder}`, error);
  });
  const name = newTemporaryName();
  return { path: join(folder, name), remotePath: posix.join(own.endpointPath, PASSAGE, name), isTemporary: true };
}

/** Makes a local file visible to Globus: where it is, if it lies in the shared folder, else by a link or a copy. */
export async function share(own: OwnCollection, path: string): Promise<SharedFile> {
  const below = relative(own.localPath, path);
  if (below !== '' && !below.startsWith(`..${sep}`) && below !== '..' && !below.startsWith(sep)) {
    return { path, remotePath: posix.join(own.endpointPath, ...below.split(sep)), isTemporary: false };
  }
  const place = await freePlace(own);
  try {
    await link(path, place.path);
  } catch {
    // On another disk, or one without links.
    await copyFile(path, place.path, constants.COPYFILE_FICLONE).catch(async (error: unknown) => {
      await unshare(place);
      throw localFailure(`copy ${path} to ${place.path}`, error);
    });
  }
  return place;
}

/** Removes what was there only for a transfer. */
export async function unshare({ path, isTemporary }: SharedFile): Promise<void> {
  if (isTemporary) await rm(path, { force: true });
}

/** Gives a file that has come its place. It appears there whole. */
export async function settle({ path }: SharedFile, target: string): Promise<void> {
  try {
    await rename(path, target);
  } catch {
    await writeWhole(target, async (temporaryPath) => {
      await copyFile(path, temporaryPath, constants.COPYFILE_FICLONE).catch((error: unknown) => {
        throw localFailure(`copy ${path} to ${target}`, error);
      });
    });
  }
}
