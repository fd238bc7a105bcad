import { contentHash } from '../content-hash.js';
import { type Content, readContent } from './content.js';
import type { CacheContext } from './node-cache.js';
import { readPins, tasksOf } from './pins.js';
import { discard } from './throw-away.js';

/** A content that may be used; or why there is none. */
export type Checked =
  | { readonly kind: 'whole'; readonly content: Content }
  | { readonly kind: 'absent' }
  /** Somebody wrote to it, and it is thrown away. `suspects`: tasks that had it and were killed. */
  | { readonly kind: 'changed'; readonly suspects: readonly string[] };

/** The content of an entry, checked as the cache's settings want it: what is not as it was fetched is thrown away. */
export async function checkedContent(
  { folder, verify }: CacheContext,
  entry: string,
  { size, signal }: { readonly size: number; readonly signal: AbortSignal },
): Promise<Checked> {
  const found = readContent(entry, size);
  if (found === undefined) return { kind: 'absent' };
  if (found !== 'changed') {
    const isKnown = verify === 'hash' ? found.sha256 !== undefined : !found.isOld;
    if (isKnown && (await hasItsBytes(found, verify, signal))) return { kind: 'whole', content: found };
    if (!isKnown) {
      await discard(entry, folder.own('trash'));
      return { kind: 'absent' };
    }
  }
  const suspects = tasksOf(entry, readPins(entry).left);
  const isDiscarded = await discard(entry, folder.own('trash'));
  // Else another one was quicker, and has told of it.
  return isDiscarded ? { kind: 'changed', suspects } : { kind: 'absent' };
}

/** Whether a file has the bytes that were fetched, as far as `verify` says to look. */
export async function hasItsBytes(
  { path, sha256 }: Pick<Content, 'path' | 'sha256'>,
  verify: 'stat' | 'hash',
  signal: AbortSignal,
): Promise<boolean> {
  return verify === 'stat' || sha256 === undefined || (await contentHash(path, signal)) === sha256;
}
