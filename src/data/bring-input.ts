import { SluiceError } from '../errors.js';
import type { CachedInputs } from './cache/cached-inputs.js';
import { contentKey } from './cache/content-key.js';
import type { DataFile } from './data-file.js';
import type { RecentIdentities } from './recent-identities.js';
import { shownUrl } from './shown-url.js';
import type { FileIdentity, StageInTarget, Staging } from './staging.js';

/** Others that may have a content: fetches it to the target's path, and answers whether it did. Rejects as writing does. */
export type CopySource = (
  content: { readonly key: string; readonly size: number },
  target: StageInTarget,
) => Promise<boolean>;

/** One input a task waits for. */
export interface WantedInput {
  /** The file the app names: its copy bears that name. */
  readonly file: DataFile;
  /** Where its bytes really are for this worker: the same file, or one that carries it. */
  readonly source: DataFile;
  /** What moves the source. */
  readonly staging: Staging;
  /** What the source is, where somebody has asked before. */
  readonly identity?: FileIdentity | undefined;
  /** Told of what it is when its store had to be asked once more. @param askedMs before it was, by `performance.now()` */
  readonly onLook?: ((identity: FileIdentity, askedMs: number) => void) | undefined;
  /** Asked before the staging is; absent where there is nobody. */
  readonly copies?: CopySource | undefined;
  /** What the task asked for: this file, or a folder with it. */
  readonly asked: string;
  readonly suggestedPath: string;
  readonly signal: AbortSignal;
}

/** How identities are looked up. */
export interface LookUpOptions {
  readonly recent: RecentIdentities;
  /** When the task came to its worker, by `performance.now()`. */
  readonly receivedMs: number;
  readonly signal: AbortSignal;
}

/** Brings an input from the node's cache, if it can be there, or by its staging, and resolves with its local path. */
export async function bringInput(wanted: WantedInput, cached: CachedInputs | undefined): Promise<string> {
  const { source, staging, identity, suggestedPath, signal } = wanted;
  if (cached === undefined || !isCacheable(staging) || staging.isHere?.(source) === true)
    return staging.stageIn(source, { suggestedPath, signal, identity });
  const found = identity !== undefined && isUsable(identity) ? identity : await look(wanted);
  // What is wrong with it, if anything is, its staging will tell.
  if (found === undefined) return staging.stageIn(source, { suggestedPath, signal });
  return bringThrough(cached, wanted, found);
}

const MOST_ATTEMPTS = 3;

/** Through the cache; a file that was replaced after it was looked at is looked at again. */
async function bringThrough(cached: CachedInputs, wanted: WantedInput, found: FileIdentity): Promise<string> {
  const { file, source, staging, copies, asked, suggestedPath, signal } = wanted;
  for (let attempt = 1, identity = found; ; attempt++) {
    const known = identity;
    const content = { key: contentKey(source, known, staging.place), size: known.size };
    let isCopy = false;
    const fetch = async (target: StageInTarget): Promise<string> => {
      isCopy = (await copies?.(content, target)) === true;
      return isCopy ? target.suggestedPath : staging.stageIn(source, { ...target, identity: known });
    };
    try {
      const path = await cached.get({ ...content, name: shownUrl(file.url), asked, suggestedPath, signal, fetch });
      if (isCopy) cached.countCopy(content.size);
      return path;
    } catch (error) {
      if (signal.aborted || attempt === MOST_ATTEMPTS || !isTransferFailure(error)) throw error;
      const now = await look(wanted);
      if (now === undefined || now.tag === known.tag) throw error;
      identity = now;
    }
  }
}

/**
 * Identities of those inputs that may be cached and are known since `receivedMs`, or whose stagings tell of many at once.
 * Rejects when aborted only.
 */
export async function lookUpIdentities(
  inputs: readonly Pick<WantedInput, 'source' | 'staging'>[],
  { recent, receivedMs, signal }: LookUpOptions,
): Promise<ReadonlyMap<string, FileIdentity>> {
  const found = new Map<string, FileIdentity>();
  for (const { source } of inputs) {
    const known = recent.since(source.url, receivedMs);
    if (known !== undefined) found.set(source.url, known);
  }
  for (const staging of new Set(inputs.map((input) => input.staging))) {
    const own = inputs.filter(
      ({ source, staging: its }) => its === staging && !source.isFolder && !found.has(source.url),
    );
    if (staging.identities === undefined || own.length < 2 || !isCacheable(staging)) continue;
    const sources = own.map(({ source }) => source);
    const askedMs = performance.now();
    try {
      for (const [url, identity] of await staging.identities(sources, signal)) {
        found.set(url, identity);
        recent.note(url, identity, askedMs);
      }
    } catch {
      // They are asked for one by one then.
      signal.throwIfAborted();
    }
  }
  return found;
}

function isCacheable({ capabilities }: Staging): boolean {
  return capabilities.identity !== 'none' && capabilities.readsInPlace !== true;
}

async function look({ source, staging, onLook, signal }: WantedInput): Promise<FileIdentity | undefined> {
  const askedMs = performance.now();
  try {
    const identity = await staging.identity(source, signal);
    if (identity === undefined || !isUsable(identity)) return undefined;
    onLook?.(identity, askedMs);
    return identity;
  } catch {
    // Who may read a file may not always ask about it.
    signal.throwIfAborted();
    return undefined;
  }
}

function isUsable({ tag, size }: FileIdentity): boolean {
  return tag !== '' && Number.isSafeInteger(size) && size >= 0;
}

function isTransferFailure(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'TRANSFER_FAILED';
}
