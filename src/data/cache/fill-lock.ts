import { lstat, lutimes, readlink, rename, rm, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere, isErrno } from './errno.js';
import { isOwnerAlive } from './owner.js';

/** Who fetches the content of an entry. */
export interface Filler {
  /** Begins with its owner's name. */
  readonly name: string;
  readonly isAlive: boolean;
  /** When it took the lock, or made progress after that, in milliseconds since the epoch. */
  readonly heardOfMs: number;
}

/**
 * Takes the right to fetch the content: a symbolic link, which appears with its text or not at all. `false` when somebody
 * has it, or the entry is gone. It spares work and no more: each filler has a folder of its own, so that two at a time, when a lock is broken
 * by two at once, harm nothing.
 */
export async function takeLock(entry: string, name: string): Promise<boolean> {
  try {
    await symlink(name, lockOf(entry));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST', 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

/** Gives the right back, if it is still `name`'s. */
export async function releaseLock(entry: string, name: string): Promise<void> {
  if ((await ifThere(readlink(lockOf(entry)))) === name) await ifThere(unlink(lockOf(entry)));
}

/** Says that the fetching goes on. */
export async function showProgress(entry: string): Promise<void> {
  const now = Date.now() / 1000;
  await ifThere(lutimes(lockOf(entry), now, now));
}

/** Who has the right now. */
export async function readFiller(entry: string): Promise<Filler | undefined> {
  const name = await ifThere(readlink(lockOf(entry)));
  const times = await ifThere(lstat(lockOf(entry)));
  if (name === undefined || times === undefined) return undefined;
  return { name, isAlive: isOwnerAlive(name), heardOfMs: times.mtimeMs };
}

/** Takes the right from a filler that is gone. `trash`: a free path on the same disk. */
export async function breakLock(entry: string, { name }: Filler, trash: string): Promise<void> {
  if ((await ifThere(rename(lockOf(entry), trash).then(() => true))) !== true) return;
  const broken = await readlink(trash);
  // Somebody else may have broken it, and taken the right, since it was looked at.
  if (broken !== name) await takeLock(entry, broken);
  await rm(trash, { force: true });
}

function lockOf(entry: string): string {
  return join(entry, 'filling');
}
