import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../errors.js';
import { localFailure } from '../write-whole.js';
import { isOver, type LockOwner, newOwner, parseOwner } from './lock-owner.js';

/** A lock that this process holds. */
export interface FileLock {
  /** Whether it still does: one that gave no sign of life for long loses it. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export interface FileLockOptions {
  readonly signal: AbortSignal;
  /** Longest wait for others, in milliseconds: then `TRANSFER_FAILED` says who has it. */
  readonly timeoutMs: number;
  /** How long the owner may give no sign of life, in milliseconds, before the lock is taken from it. Default: 20 s. */
  readonly staleMs?: number;
}

// A sign of life is a new time of modification; several fit into the time in which one must come.
const BEAT_MS = 2_000;
const STALE_MS = 20_000;

/**
 * Takes the lock whose file is `path`, once no other process of any host that shares the disk has it. A process that was
 * killed loses it at once on its own host, and after a while where others cannot see whether it lives.
 */
export async function takeLock(path: string, options: FileLockOptions): Promise<FileLock> {
  const deadline = performance.now() + options.timeoutMs;
  const signs = createSigns(options.staleMs ?? STALE_MS);
  for (let waits = 0; ; waits++) {
    options.signal.throwIfAborted();
    const owner = newOwner();
    if (await claim(path, owner)) return hold(path, owner);
    const other = await ownerOf(path);
    if (other !== undefined && (isOver(other) || (await signs.areMissing(path, other)))) {
      const taken = await takeFrom(path, other, owner, options);
      if (taken) return hold(path, owner);
    }
    if (performance.now() > deadline) throw heldTooLong(path, other, options.timeoutMs);
    await sleep(Math.min(200, 5 * 2 ** Math.min(waits, 6)) * (0.5 + Math.random()), undefined, {
      signal: options.signal,
    }).catch(() => options.signal.throwIfAborted());
  }
}

// A link appears with its content, and only where there is none; network file systems keep to that, too.
async function claim(path: string, owner: LockOwner): Promise<boolean> {
  const draft = draftOf(path, owner);
  try {
    await writeFile(draft, JSON.stringify(owner), { flag: 'wx' });
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw localFailure(`lock ${path}`, error);
  } finally {
    await rm(draft, { force: true });
  }
}

// Named as all files are that are just being written, for those who find it after this process was killed.
function draftOf(path: string, { id }: LockOwner): string {
  return join(dirname(path), `.${id}.part`);
}

/**
 * Replaces an owner that is gone. Whoever does has a lock for just that, by the name of that hold, and looks again once
 * it has it: so two that saw the same owner dead do not take the lock from each other.
 */
async function takeFrom(path: string, gone: LockOwner, owner: LockOwner, options: FileLockOptions): Promise<boolean> {
  const right = await takeLock(`${path}.${gone.id}.gone`, options);
  const draft = draftOf(path, owner);
  try {
    if ((await ownerOf(path))?.id !== gone.id) return false;
    await writeFile(draft, JSON.stringify(owner), { flag: 'wx' });
    await rename(draft, path);
    return true;
  } catch (error) {
    throw localFailure(`lock ${path}`, error);
  } finally {
    await rm(draft, { force: true });
    await right.release();
  }
}

function hold(path: string, owner: LockOwner): FileLock {
  const isHeld = async () => (await ownerOf(path))?.id === owner.id;
  const beat = setInterval(() => {
    const now = new Date();
    // Whether the lock is still there is looked at where it counts.
    utimes(path, now, now).catch(() => undefined);
  }, BEAT_MS);
  beat.unref();
  return {
    isHeld,
    async release() {
      clearInterval(beat);
      if (await isHeld()) await rm(path, { force: true });
    },
  };
}

// Told by this process's own clock: those of other hosts may be wrong.
function createSigns(staleMs: number): { areMissing(path: string, owner: LockOwner): Promise<boolean> } {
  let last = '';
  let sinceMs = 0;
  return {
    async areMissing(path, { id }) {
      const found = await stat(path, { bigint: true }).catch(() => undefined);
      const sign = `${id} ${found?.mtimeNs}`;
      if (sign !== last) sinceMs = performance.now();
      last = sign;
      return performance.now() - sinceMs > staleMs;
    },
  };
}

async function ownerOf(path: string): Promise<LockOwner | undefined> {
  try {
    return parseOwner(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw localFailure(`lock ${path}`, error);
  }
}

function heldTooLong(path: string, owner: LockOwner | undefined, timeoutMs: number): SluiceError {
  const who = owner === undefined ? 'something that is no lock of ours' : `process ${owner.pid} of ${owner.host}`;
  return new SluiceError(
    'TRANSFER_FAILED',
    `${path} has been held by ${who} for ${Math.round(timeoutMs / 1000)} s: if that is over, remove the file`,
  );
}
