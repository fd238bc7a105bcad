import { SluiceError } from '../errors.js';

/** Items one by one: at once, or some day. */
export interface ItemSource<T> {
  /** The next item. A promise of it when the source is asynchronous; `undefined` at the end. */
  next(): Item<T> | undefined | Promise<Item<T> | undefined>;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

/** Boxed, since an item may be `undefined`. */
export interface Item<T> {
  readonly value: T;
}

/** @throws {SluiceError} `INVALID_OPTIONS` when it cannot be iterated over */
export function openSource<T>(source: Iterable<T> | AsyncIterable<T>): ItemSource<T> {
  const { [Symbol.asyncIterator]: async, [Symbol.iterator]: sync } = Object(source);
  if (typeof async === 'function') return asyncSource((source as AsyncIterable<T>)[Symbol.asyncIterator]());
  if (typeof sync === 'function') return syncSource((source as Iterable<T>)[Symbol.iterator]());
  throw new SluiceError('INVALID_OPTIONS', `map takes an iterable or an async iterable, not ${typeof source}`);
}

function syncSource<T>(iterator: Iterator<T>): ItemSource<T> {
  return {
    next: () => itemOf(iterator.next()),
    close: async () => {
      iterator.return?.();
    },
  };
}

function asyncSource<T>(iterator: AsyncIterator<T>): ItemSource<T> {
  return {
    next: async () => itemOf(await iterator.next()),
    close: async () => {
      await iterator.return?.();
    },
  };
}

function itemOf<T>(step: IteratorResult<T>): Item<T> | undefined {
  return step.done === true ? undefined : step;
}
