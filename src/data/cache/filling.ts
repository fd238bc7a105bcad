import { mkdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { StageInTarget } from '../staging.js';
import type { CacheFolder } from './cache-folder.js';
import { commit, DATA, readState, seal, type Verify } from './content.js';
import { isDiskFull } from './errno.js';
import { releaseLock, showProgress } from './fill-lock.js';
import { removeIfEmpty } from './throw-away.js';

/** What has become of fetching a content. */
export type Filled =
  /** The entry has it. */
  | { readonly kind: 'kept' }
  /** Nothing had to be copied: this is where it is. */
  | { readonly kind: 'inPlace'; readonly path: string }
  /** The disk is full. */
  | { readonly kind: 'full' }
  /** Something was done to the cache's folder meanwhile. */
  | { readonly kind: 'lost' };

/** A content that is being fetched. */
export interface Filling {
  /** Rejects with what the fetching says, or with the reason it was stopped for. Nothing is left then. */
  readonly done: Promise<Filled>;
  stop(reason: unknown): void;
}

export interface FillingParts {
  readonly folder: CacheFolder;
  /** The entry's folder, whose lock is held by `lock`; it is given back when this is over. */
  readonly entry: string;
  readonly lock: string;
  readonly size: number;
  readonly verify: Verify;
  readonly notesCrc32: boolean;
  readonly fetch: (target: StageInTarget) => Promise<string>;
}

/** Fetches a content into a folder of its own, and gives it to the entry when it is whole. */
export function startFilling(parts: FillingParts): Filling {
  const stop = new AbortController();
  const done = fill(parts, stop.signal).finally(async () => {
    await releaseLock(parts.entry, parts.lock);
    await removeIfEmpty(parts.entry, parts.lock);
  });
  // Who waits for it may have gone.
  done.catch(() => undefined);
  return { done, stop: (reason) => stop.abort(reason) };
}

async function fill(
  { folder, entry, size, verify, notesCrc32, fetch }: FillingParts,
  signal: AbortSignal,
): Promise<Filled> {
  const place = folder.own('filling');
  const suggestedPath = join(place, DATA);
  try {
    await mkdir(place, { recursive: true, mode: 0o700 });
    const path = await fetch({ suggestedPath, signal, onProgress: progressOf(entry) });
    if (path !== suggestedPath) return { kind: 'inPlace', path };
    await refuseOtherSize(path, size);
    await seal(place, { verify, notesCrc32, signal });
    signal.throwIfAborted();
    await commit(entry, place);
    return { kind: 'kept' };
  } catch (error) {
    signal.throwIfAborted();
    if (await hasNoRoom(error, folder.path, size)) return { kind: 'full' };
    if ((await isThere(place)) && (await isThere(entry))) throw error;
    return { kind: 'lost' };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

const SHOW_PROGRESS_MS = 1_000;

function progressOf(entry: string): () => void {
  let shownAtMs = performance.now();
  return () => {
    if (performance.now() - shownAtMs < SHOW_PROGRESS_MS) return;
    shownAtMs = performance.now();
    // Those who wait will see the next one.
    showProgress(entry).catch(() => undefined);
  };
}

async function refuseOtherSize(path: string, size: number): Promise<void> {
  const state = readState(path);
  if (state === undefined || state.size === BigInt(size)) return;
  throw new SluiceError('TRANSFER_FAILED', `a file of ${size} bytes was asked for, and ${state.size} bytes have come`);
}

/** Whether that is why it failed: the system says so, or there is not as much room as it takes. */
async function hasNoRoom(error: unknown, path: string, size: number): Promise<boolean> {
  if (isDiskFull(error)) return true;
  const disk = await statfs(path).catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize < size;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
