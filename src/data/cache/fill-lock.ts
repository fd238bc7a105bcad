import { lstat, lutimes, readlink, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnerAlive } from '../../run/owner.js';
import { ifThere, isErrno } from './errno.js';

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
 * has it, or the entry is gone.
 */
export async function takeLock(entry: string, name: string): Promise<boolean> {
  return createLink(name, lockOf(entry));
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

/**
 * Takes the right from a filler that is gone; `false` when another one is at it, or has been. Who does so names itself in a mark of its own for each lock, since of two
 * that find a dead one's lock the slower would remove what a third has taken meanwhile; and no lock's name comes again.
 *
 * @param breaker a name that begins with its owner's, and that nobody else has
 */
export async function breakLock(entry: string, { name }: Filler, breaker: string): Promise<boolean> {
  const marks = await markBroken(entry, name, breaker);
  if (marks === undefined) return false;
  if ((await ifThere(readlink(lockOf(entry)))) === name) await ifThere(unlink(lockOf(entry)));
  await Promise.all(marks.map((mark) => ifThere(unlink(mark))));
  return true;
}

/** The marks that are this breaker's to remove; `undefined` when another one, who lives, is at it. */
async function markBroken(entry: string, name: string, breaker: string): Promise<readonly string[] | undefined> {
  const marks: string[] = [];
  // Of one who was killed at it, the work is taken over in the same way.
  for (let claimed: string | undefined = name; claimed !== undefined; ) {
    const mark = join(entry, `broken-${claimed}`);
    marks.push(mark);
    if (await createLink(breaker, mark)) return marks;
    claimed = await ifThere(readlink(mark));
    if (claimed !== undefined && isOwnerAlive(claimed)) return undefined;
  }
  return undefined;
}

/** `false` when there is one, or no folder for it. */
async function createLink(text: string, path: string): Promise<boolean> {
  try {
    await symlink(text, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST', 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

function lockOf(entry: string): string {
  return join(entry, 'filling');
}
