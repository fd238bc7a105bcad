import type { DataFile, FileLike } from '../data/data-file.js';

/**
 * A value, a future of it (an AppFuture, a DataFuture, any promise), or futures nested at any depth in arrays, plain
 * objects, Maps and Sets of it.
 */
export type Deferred<T> = T | PromiseLike<T> | DeferredInside<T>;

type DeferredInside<T> = T extends Atom
  ? never
  : T extends ReadonlyMap<infer K, infer V>
    ? ReadonlyMap<Deferred<K>, Deferred<V>>
    : T extends ReadonlySet<infer E>
      ? ReadonlySet<Deferred<E>>
      : T extends object
        ? { [K in keyof T]: Deferred<T[K]> }
        : never;

type Atom =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | URL
  | Error
  | DataFile
  | ArrayBufferView
  | ArrayBuffer
  | ((...args: never[]) => unknown);

/** Parameters of an app as its caller sees them. */
export type DeferredArguments<A extends readonly unknown[]> = { [K in keyof A]: Deferred<A[K]> };

/** A file, or the future of one: what `inputs` takes. */
export type InputFile = FileLike | PromiseLike<DataFile>;
