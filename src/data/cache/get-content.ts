import { uniqueName } from '../../run/owner.js';
import { checkedContent } from './checked-content.js';
import { type Content, readContent } from './content.js';
import { isDiskFull } from './errno.js';
import { releaseLock, takeLock } from './fill-lock.js';
import { type Filled, startFilling } from './filling.js';
import type { CacheContext, WantedContent } from './node-cache.js';
import { addPin } from './pins.js';
import { type Placed, placeFile } from './place-file.js';
import { waitForFiller } from './wait-for-filler.js';

/** What a task has of a cache until it is over. */
export interface Hold {
  /** The entry's folder. */
  readonly entry: string;
  readonly pin: string;
  readonly task: string;
  readonly wanted: WantedContent;
}

/** How a task got a content. */
export type Got =
  | { readonly kind: 'placed'; readonly placed: Placed; readonly content: Content; readonly hasFetched: boolean }
  /** Nothing had to be copied. */
  | { readonly kind: 'inPlace'; readonly path: string }
  /** The cache cannot give it: the task has to fetch it for itself. */
  | { readonly kind: 'notCached' };

/** Times that an entry is looked at: each time, somebody may have evicted it, thrown it away or given it up. */
const MOST_ROUNDS = 50;
/** So many others may fail to fetch it, one after the other, before this task tries by itself. */
const MOST_FAILURES = 2;

const NOT_CACHED: Got = { kind: 'notCached' };

/** Gets a content for a task. `onChanged`: told of one that somebody had written to, and of killed tasks that had it. */
export async function getContent(
  context: CacheContext,
  hold: Hold,
  onChanged: (suspects: readonly string[]) => void,
): Promise<Got> {
  const search = new Search(context, hold);
  for (let round = 0; round < MOST_ROUNDS && search.failures < MOST_FAILURES; round++) {
    hold.wanted.signal.throwIfAborted();
    addPin(hold.entry, hold.pin, hold.task, context.now());
    const checked = await checkedContent(context, hold.entry, hold.wanted);
    if (checked.kind === 'changed') onChanged(checked.suspects);
    const got = checked.kind === 'whole' ? await search.place(checked.content) : await search.obtain();
    if (got !== undefined) return got;
  }
  return NOT_CACHED;
}

/** One task's way to a content. What its steps answer with ends it; after `undefined` the entry is looked at again. */
class Search {
  failures = 0;
  readonly #context: CacheContext;
  readonly #hold: Hold;
  #hasFetched = false;
  #hasMadeRoom = false;

  constructor(context: CacheContext, hold: Hold) {
    this.#context = context;
    this.#hold = hold;
  }

  async place(content: Content): Promise<Got | undefined> {
    try {
      const placed = await placeFile(content, this.#hold.wanted.suggestedPath);
      return placed && { kind: 'placed', placed, content, hasFetched: this.#hasFetched };
    } catch (error) {
      if (isDiskFull(error) && (await this.#makeRoom())) return undefined;
      throw error;
    }
  }

  /** Fetches the content, or waits for who does. */
  async obtain(): Promise<Got | undefined> {
    const { entry } = this.#hold;
    const lock = uniqueName(this.#context.owner);
    if (!(await takeLock(entry, lock))) return this.#wait();
    const refusal = await this.#refusal().catch(async (error) => {
      await releaseLock(entry, lock);
      throw error;
    });
    if (refusal === 'none') return this.#fetch(lock);
    await releaseLock(entry, lock);
    return refusal === 'noRoom' ? NOT_CACHED : undefined;
  }

  async #refusal(): Promise<'none' | 'isThere' | 'noRoom'> {
    const { entry, wanted } = this.#hold;
    // It may have come since it was looked for.
    if (readContent(entry, wanted.size) !== undefined) return 'isThere';
    return (await this.#context.budget.admit(wanted.size)) ? 'none' : 'noRoom';
  }

  async #fetch(lock: string): Promise<Got | undefined> {
    const { folder, verify, notesCrc32, fillings } = this.#context;
    const { entry, pin, wanted } = this.#hold;
    const filling = startFilling({ folder, entry, lock, size: wanted.size, verify, notesCrc32, fetch: wanted.fetch });
    const filled: Filled = await fillings.follow(filling, entry, pin, wanted.signal);
    switch (filled.kind) {
      case 'kept':
        this.#hasFetched = true;
        return undefined;
      case 'inPlace':
        return filled;
      case 'full':
        return (await this.#makeRoom()) ? undefined : NOT_CACHED;
      case 'lost':
        return NOT_CACHED;
    }
  }

  async #wait(): Promise<Got | undefined> {
    const { entry, pin, wanted } = this.#hold;
    const waited = await waitForFiller(entry, { pin, stallMs: this.#context.stallMs, signal: wanted.signal });
    if (waited === 'stalled') return NOT_CACHED;
    if (waited === 'gaveUp' && readContent(entry, wanted.size) === undefined) this.failures += 1;
    return undefined;
  }

  async #makeRoom(): Promise<boolean> {
    if (this.#hasMadeRoom) return false;
    this.#hasMadeRoom = true;
    return (await this.#context.budget.evictAll()) > 0;
  }
}
