import { setMaxListeners } from 'node:events';

/**
 * Runs `task` over the items, at most `limit` at a time, and resolves with the results in the items' order.
 *
 * The first failure aborts the signal the other tasks were given; once all that had started are settled, this rejects
 * with that first error, or with `signal.reason` when the caller aborted.
 */
export async function runParallel<Item, Result>(
  items: readonly Item[],
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
  task: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  // As many as there are lanes listen to it, and more than one in each.
  setMaxListeners(0, stop.signal);
  const onAbort = () => stop.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const results: Result[] = new Array(items.length);
  const queue = items.entries();
  const lane = async () => {
    for (const [index, item] of queue) {
      if (stop.signal.aborted) return;
      try {
        results[index] = await task(item, stop.signal);
      } catch (error) {
        // Aborting again is without effect, so the first reason stays.
        stop.abort(error);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  stop.signal.throwIfAborted();
  return results;
}
