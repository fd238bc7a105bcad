import { compareUtf8 } from '../utf8-order.js';
import type { SortedKeys } from './store/sorted-keys.js';

/** Where a listing begins or goes on: after a key, from it on, or after everything that begins with a common prefix. */
export type ListingCursor =
  | { readonly kind: 'from'; readonly after: string }
  | { readonly kind: 'key'; readonly after: string }
  | { readonly kind: 'prefix'; readonly after: string };

export interface ListingRequest {
  readonly prefix: string;
  /** '' for none. */
  readonly delimiter: string;
  readonly cursor: ListingCursor | undefined;
  /** The first key that is not listed any more; '' or none for all. */
  readonly end?: string;
  /** Keys and common prefixes together. */
  readonly size: number;
}

export interface ListingPage {
  readonly keys: readonly string[];
  readonly commonPrefixes: readonly string[];
  /** Where the next page begins; `undefined` on the last one. */
  readonly next: ListingCursor | undefined;
}

/** One page of the keys under a prefix, those that share the text up to the next delimiter rolled up into one. */
export function listPage(
  all: SortedKeys,
  { prefix, delimiter, cursor, size, end: beyond = '' }: ListingRequest,
): ListingPage {
  const keys: string[] = [];
  const commonPrefixes: string[] = [];
  if (size === 0) return { keys, commonPrefixes, next: undefined };
  let last: ListingCursor | undefined;
  const walk = walkAfter(all, prefix, cursor);
  for (let step = walk.first; step.done !== true; ) {
    const key = step.value;
    if (!key.startsWith(prefix) || (beyond !== '' && compareUtf8(key, beyond) >= 0)) break;
    if (keys.length + commonPrefixes.length === size) return { keys, commonPrefixes, next: last };
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (end === -1) {
      keys.push(key);
      last = { kind: 'key', after: key };
      step = walk.rest.next();
    } else {
      const common = key.slice(0, end + delimiter.length);
      commonPrefixes.push(common);
      last = { kind: 'prefix', after: common };
      step = walk.rest.next(common);
    }
  }
  return { keys, commonPrefixes, next: undefined };
}

type Walk = Generator<string, void, string | undefined>;

function walkAfter(
  all: SortedKeys,
  prefix: string,
  cursor: ListingCursor | undefined,
): { first: IteratorResult<string, void>; rest: Walk } {
  if (cursor === undefined || compareUtf8(cursor.after, prefix) < 0) {
    const rest = all.from(prefix);
    return { first: rest.next(), rest };
  }
  const rest = all.from(cursor.after);
  const first = rest.next();
  if (first.done === true || cursor.kind === 'from') return { first, rest };
  if (cursor.kind === 'key') return { first: first.value === cursor.after ? rest.next() : first, rest };
  return { first: first.value.startsWith(cursor.after) ? rest.next(cursor.after) : first, rest };
}
