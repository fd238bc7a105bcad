import { existsSync } from 'node:fs';
import { lstat, rename, rm, rmdir } from 'node:fs/promises';
import { contentOf } from './content.js';
import { ifThere, isErrno } from './errno.js';
import { breakLock, readFiller } from './fill-lock.js';
import { pinsOf, readPins } from './pins.js';

/** Whether somebody who lives holds an entry, or fetches its content. */
export async function isInUse(entry: string): Promise<boolean> {
  return readPins(entry).held.length > 0 || (await readFiller(entry))?.isAlive === true;
}

/** Throws the content of an entry away; tasks that have links to it keep theirs. `trash`: a free path on the same disk. */
export async function discard(entry: string, trash: string): Promise<boolean> {
  const isTaken = (await ifThere(rename(contentOf(entry), trash).then(() => true))) === true;
  if (isTaken) await rm(trash, { recursive: true, force: true });
  return isTaken;
}

/** Removes an entry in which nothing is but what the dead left; any other stays. `breaker`: as {@link breakLock} has it. */
export async function removeIfEmpty(entry: string, breaker: string): Promise<void> {
  if (existsSync(contentOf(entry))) return;
  const filler = await readFiller(entry);
  if (filler?.isAlive === false) await breakLock(entry, filler, breaker);
  for (const folder of [pinsOf(entry), entry]) {
    await rmdir(folder).catch((error: unknown) => {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST')) throw error;
    });
  }
}

/**
 * Throws an entry away, unless it is in use; resolves with whether it is gone. It is taken as a whole and then looked at
 * once more: who came to hold it that moment gets it back.
 */
export async function evict(entry: string, trash: string): Promise<boolean> {
  if (await isInUse(entry)) return false;
  if ((await ifThere(rename(entry, trash).then(() => true))) !== true) return false;
  // Where there is a new entry by now its holders will not miss this one.
  if (await isInUse(trash)) await rename(trash, entry).catch(() => undefined);
  if ((await ifThere(lstat(trash))) === undefined) return false;
  await rm(trash, { recursive: true, force: true });
  return true;
}
