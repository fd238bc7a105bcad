import type { ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { runParallel } from '../../object-store/run-parallel.js';
import { compareUtf8 } from '../../utf8-order.js';

/** Objects that one listing request tells of. Source: ListObjectsV2, Amazon S3 API Reference. */
const PAGE_KEYS = 1_000;
/** Where a page tells of fewer of the wanted keys than this, asking for each is quicker. */
const FEW = 8;
const PARALLEL_HEADS = 16;

/**
 * Infos of those keys that have an object, in any order: by listing from the first of them on, and again from the next
 * one wherever a page of unwanted objects lies between; where few are near each other, one by one.
 */
export async function* findObjects(
  store: ObjectStore,
  keys: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<ObjectInfo, void, undefined> {
  const wanted = [...new Set(keys)].sort(compareUtf8);
  const prefix = commonPrefix(wanted[0] ?? '', wanted.at(-1) ?? '');
  for (let next = 0; next < wanted.length; ) {
    const { infos, passed } =
      wanted.length - next < FEW ? NOTHING : await listFrom(store, prefix, wanted, { next, signal });
    yield* infos;
    if (passed < FEW) {
      const some = wanted.slice(next + passed, next + passed + PARALLEL_HEADS);
      const found = await runParallel(some, { limit: PARALLEL_HEADS, signal }, (key, stop) =>
        store.head(key, { signal: stop }),
      );
      yield* found.filter((info) => info !== undefined);
      next += some.length;
    }
    next += passed;
  }
}

const NOTHING: Listed = { infos: [], passed: 0 };

interface Listed {
  readonly infos: readonly ObjectInfo[];
  /** How many of the wanted keys, from the first one on, the listing has told of or shown to be missing. */
  readonly passed: number;
}

/** Lists until a page's worth of objects in a row is not wanted, or nothing more is. */
async function listFrom(
  store: ObjectStore,
  prefix: string,
  wanted: readonly string[],
  { next, signal }: { readonly next: number; readonly signal: AbortSignal },
): Promise<Listed> {
  const infos: ObjectInfo[] = [];
  let at = next;
  let unwanted = 0;
  const startAfter = keyBefore(wanted[next] as string);
  for await (const info of store.listAfter(prefix, { startAfter, signal })) {
    while (at < wanted.length && compareUtf8(wanted[at] as string, info.key) < 0) at += 1;
    if (at === wanted.length) break;
    if (wanted[at] === info.key) {
      infos.push(info);
      at += 1;
      unwanted = 0;
    } else unwanted += 1;
    if (at === wanted.length || unwanted === PAGE_KEYS) return { infos, passed: at - next };
  }
  return { infos, passed: wanted.length - next };
}

/** A key before this one, with few others between. */
function keyBefore(key: string): string {
  const last = [...key].at(-1) ?? '';
  const rest = key.slice(0, key.length - last.length);
  const code = last.codePointAt(0) ?? 0;
  const before = `${rest}${String.fromCodePoint(code === AFTER_SURROGATES ? BEFORE_SURROGATES : code - 1)}${LAST_CHARACTER}`;
  return code > 1 && Buffer.byteLength(before) <= LONGEST_KEY_BYTES ? before : rest;
}

const AFTER_SURROGATES = 0xe000;
const BEFORE_SURROGATES = 0xd7ff;
const LAST_CHARACTER = '\u{10FFFD}';
const LONGEST_KEY_BYTES = 1_024;

function commonPrefix(first: string, last: string): string {
  const one = [...first];
  const other = [...last];
  const end = one.findIndex((character, index) => character !== other[index]);
  return end === -1 ? first : one.slice(0, end).join('');
}
