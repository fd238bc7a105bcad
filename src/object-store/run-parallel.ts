import { setMaxListeners } from 'node:events';

export interface ParallelOptions {
  /** How many are begun at a time, at most. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `task` over the items as {@link eachInParallel} does, and resolves with the results in the items' order. */
export async function runParallel<Item, Result>(
  items: readonly Item[],
  { limit, signal }: ParallelOptions,
  task: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  const bounds = { limit: Math.min(limit, items.length), signal };
  await eachInParallel(items.entries(), bounds, async ([index, item], stop) => {
    results[index] = await task(item, stop);
  });
  return results;
}

/**
 * Runs `task` over items, at most `limit` at a time, also while further ones are still being found.
 *
 * The first failure, of a task or of the items, aborts the signal the tasks were given; once all that had started are
 * settled, this rejects with that first error, or with `signal.reason` when the caller aborted.
 */
export async function eachInParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  { limit, signal }: ParallelOptions,
  task: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  // As many as there are lanes listen to it, and more than one in each.
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  // All lanes take from the same one.
  const queue = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const lane = async () => {
    try {
      for (;;) {
        const next = await queue.next();
        if (next.done === true || stop.signal.aborted) return;
        await task(next.value, stop.signal);
      }
    } catch (error) {
      // Aborting again is without effect, so the first reason stays.
      stop.abort(error);
    }
  };
  try {
    await Promise.all(Array.from({ length: limit }, lane));
  } finally {
    await queue.return?.();
    signal?.removeEventListener('abort', onAbort);
  }
  stop.signal.throwIfAborted();
}
