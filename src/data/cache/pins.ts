import { lstatSync, mkdirSync, readdirSync, readFileSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOwnerAlive } from '../../run/owner.js';
import { ifThereNow, isErrno } from './errno.js';

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
export function addPin(entry: string, name: string, task: string, nowMs: number): void {
  // Whoever evicts the entry, or removes the cache, may be quicker.
  for (let attempt = 1; ; attempt++) {
    try {
      mkdirSync(pinsOf(entry), { recursive: true, mode: 0o700 });
      writeFileSync(join(pinsOf(entry), name), task, { flag: 'wx' });
      noteUse(entry, nowMs);
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
export function removePin(entry: string, name: string): void {
  const { left } = readPins(entry);
  for (const pin of [name, ...left]) ifThereNow(() => unlinkSync(join(pinsOf(entry), pin)));
}

export function readPins(entry: string): Pins {
  const names = ifThereNow(() => readdirSync(pinsOf(entry))) ?? [];
  const held = names.filter((name) => isOwnerAlive(name));
  return { held, left: names.filter((name) => !held.includes(name)) };
}

/** What the tasks are called that have these pins. */
export function tasksOf(entry: string, pins: readonly string[]): readonly string[] {
  const texts = pins.map((pin) => ifThereNow(() => readFileSync(join(pinsOf(entry), pin), 'utf8')));
  return texts.filter((text) => text !== undefined);
}

/** Notes when the entry was used last. Times are milliseconds since the epoch. */
export function noteUse(entry: string, atMs: number): void {
  ifThereNow(() => utimesSync(pinsOf(entry), atMs / 1000, atMs / 1000));
}

/** When it was; 0 when nobody knows. */
export function usedAtMs(entry: string): number {
  return ifThereNow(() => lstatSync(pinsOf(entry)))?.mtimeMs ?? 0;
}

/** The folder with the pins of an entry. */
export function pinsOf(entry: string): string {
  return join(entry, 'pins');
}
