import type { DataFile, FileLike } from '../data/data-file.js';
import type { AppFuture } from '../kernel/app-future.js';
import type { DataFuture } from '../kernel/data-future.js';

/** A value, a future of it, or futures nested at any depth in arrays, plain objects, Maps and Sets of it. */
export type Deferred<T> = T | AppFuture<T> | (DataFile extends T ? DataFuture : never) | DeferredInside<T>;

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
export type InputFile = FileLike | DataFuture | AppFuture<DataFile>;
