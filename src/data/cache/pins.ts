import { lstat, mkdir, readdir, readFile, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere, isErrno } from './errno.js';
import { isOwnerAlive } from './owner.js';

/**
 * Who holds an entry: a file each in `pins/` of its folder, whose name begins with its owner's and whose text says which
 * task it is. Those of owners that are gone count for nothing. The folder's time is when the entry was used last.
 */
export interface Pins {
  /** The names of those that count. */
  readonly held: readonly string[];
  /** Left by owners that were killed. */
  readonly left: readonly string[];
}

/** Holds the entry, which is created where it is not there; once is as good as twice. `name`: from `uniqueName`. */
export async function addPin(entry: string, name: string, task: string, nowMs: number): Promise<void> {
  // Whoever evicts the entry, or removes the cache, may be quicker.
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(pinsOf(entry), { recursive: true, mode: 0o700 });
      await writeFile(join(pinsOf(entry), name), task, { flag: 'wx' });
      await noteUse(entry, nowMs);
      return;
    } catch (error) {
      if (isErrno(error, 'EEXIST') && (error as NodeJS.ErrnoException).syscall === 'open') return;
      // A folder that goes while Node looks whether it is one is told as none.
      if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EEXIST') || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

const MOST_ATTEMPTS = 10;

/** Lets go, and forgets those that were killed. */
export async function removePin(entry: string, name: string): Promise<void> {
  const { left } = await readPins(entry);
  await Promise.all([name, ...left].map((pin) => ifThere(unlink(join(pinsOf(entry), pin)))));
}

export async function readPins(entry: string): Promise<Pins> {
  const names = (await ifThere(readdir(pinsOf(entry)))) ?? [];
  const held = names.filter((name) => isOwnerAlive(name));
  return { held, left: names.filter((name) => !held.includes(name)) };
}

/** What the tasks are called that have these pins. */
export async function tasksOf(entry: string, pins: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(pins.map((pin) => ifThere(readFile(join(pinsOf(entry), pin), 'utf8'))));
  return texts.filter((text) => text !== undefined);
}

/** Notes when the entry was used last. Times are milliseconds since the epoch. */
export async function noteUse(entry: string, atMs: number): Promise<void> {
  await ifThere(utimes(pinsOf(entry), atMs / 1000, atMs / 1000));
}

/** When it was; 0 when nobody knows. */
export async function usedAtMs(entry: string): Promise<number> {
  return (await ifThere(lstat(pinsOf(entry))))?.mtimeMs ?? 0;
}

/** The folder with the pins of an entry. */
export function pinsOf(entry: string): string {
  return join(entry, 'pins');
}
