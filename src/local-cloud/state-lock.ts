import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';

/** Who holds a folder. The start time tells a process from a later one that got the same id. */
interface Holder {
  readonly pid: number;
  readonly processStart: string;
  readonly token: string;
}

/**
 * Makes this process the only local-cloud on `folder`, and resolves with what gives it up again. A holder that is gone
 * (kill -9) does not count.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when another one, in this process or in another, holds it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const mine: Holder = { pid: process.pid, processStart: startOf(process.pid), token: randomUUID() };
  const draft = `${path}.${mine.token}`;
  await writeFile(draft, JSON.stringify(mine));
  try {
    for (let tries = 0; tries < 10; tries += 1) {
      if (await linked(draft, path)) return () => unlock(path, mine.token);
      const holder = await readHolder(path);
      if (holder !== undefined && isAlive(holder)) throw inUse(folder, holder);
      await removeStale(path, holder);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new SluiceError('INVALID_OPTIONS', `folder: ${folder} could not be locked, others keep taking it`);
}

/** A hard link is made whole or not at all, and never over another file. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function unlock(path: string, token: string): Promise<void> {
  if ((await readHolder(path))?.token === token) await rm(path, { force: true });
}

/** Moved away before it is removed: if meanwhile somebody else took the lock, it is theirs and goes back. */
async function removeStale(path: string, stale: Holder | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  const moved = await readHolder(aside);
  if (moved !== undefined && moved.token !== stale?.token) await linked(aside, path);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, processStart }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return startOf(pid) === processStart;
}

/** Field 22 of /proc/pid/stat, clock ticks since boot (proc(5)); '' where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function inUse(folder: string, { pid }: Holder): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `folder: ${folder} is in use by another local-cloud (process ${pid}): stop it, or give another folder`,
  );
}
