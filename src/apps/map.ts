import * as z from 'zod';
import type { AppFuture } from '../kernel/app-future.js';
import { parseOptions } from '../parse-options.js';
import { ResultStream } from './result-stream.js';

/** Options of {@link map}. */
export interface MapOptions {
  /** Results in flight, or held until they are asked for, at most. Default: 256. */
  readonly concurrency?: number;
  /** Whether results come in the order of the source; otherwise as they are done. Default: true. */
  readonly ordered?: boolean;
  /** Cancels what is in flight when it aborts; the iteration rejects with `CANCELLED`. */
  readonly signal?: AbortSignal;
}

/** Results one by one, for `for await`; leaving the loop gives up the rest. */
export type MapResults<R> = AsyncIterableIterator<R, undefined> & AsyncDisposable;

const schema = z.strictObject({
  concurrency: z.int().positive().or(z.literal(Number.POSITIVE_INFINITY)).default(256),
  ordered: z.boolean().default(true),
  signal: z.instanceof(AbortSignal).exactOptional(),
});

/**
 * Calls an app with each item of a source, and gives the results as an async iterable, with back-pressure: the source
 * is read only as far as results are taken, `concurrency` ahead, so it may be endless, or larger than memory. Items may
 * be futures; an item that is an array is one argument.
 *
 * The first failure ends the iteration with it, at once, and so does an item that cannot be sent; leaving the loop ends
 * it too. Then what is in flight is cancelled, and the source is closed. Nothing starts before the first result is asked for.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function map<T, R>(
  app: (item: T) => AppFuture<R>,
  source: Iterable<T> | AsyncIterable<T>,
  options: MapOptions = {},
): MapResults<R> {
  return new ResultStream(app, source, parseOptions(schema, options, 'options of map'));
}
