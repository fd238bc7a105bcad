/**
 * Extension types of a message (msgpack `ext`, https://github.com/msgpack/msgpack/blob/master/spec.md). Numbers never
 * change their meaning within one wire version.
 */
export const EXTENSION = {
  undefined: 0,
  /** Sign (0 or 1), then the magnitude, most significant byte first. */
  bigint: 1,
  /** A string with lone surrogates, which UTF-8 cannot carry: its UTF-16 code units, little-endian. */
  utf16: 2,
  /** Milliseconds since 1970 as float64; NaN is an invalid date. */
  date: 3,
  /** Source and flags, as two strings. */
  regexp: 4,
  url: 5,
  /** A map with keys of any kind: a JavaScript Map. (A bare map is a plain object.) */
  map: 6,
  /** An array of the items. */
  set: 7,
  /** An array with holes: its length, then a map from index to element. */
  sparse: 8,
  /** Kind (see {@link VIEW_KINDS}), count of padding bytes, the padding, then the elements, little-endian. */
  binary: 9,
  /** See `error-record.ts`. */
  error: 10,
  /** The URL of a DataFile. */
  file: 11,
  /** Index of the slot, as uint32: the value of a future, known only later. */
  slot: 12,
} as const;

/** A class of views of memory. */
interface ViewClass {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView;
  readonly prototype: ArrayBufferView;
  /** Absent for DataView, whose length is in bytes. */
  readonly BYTES_PER_ELEMENT?: number;
}

/** Kind of an {@link EXTENSION} `binary` that is an ArrayBuffer. */
export const ARRAY_BUFFER_KIND = 0;

/** Classes of an {@link EXTENSION} `binary`, by kind. `Uint8Array` is msgpack's own `bin`. */
export const VIEW_KINDS: ReadonlyMap<number, ViewClass> = new Map<number, ViewClass>([
  [1, DataView],
  [2, Int8Array],
  [3, Uint8ClampedArray],
  [4, Int16Array],
  [5, Uint16Array],
  [6, Int32Array],
  [7, Uint32Array],
  [8, Float32Array],
  [9, Float64Array],
  [10, BigInt64Array],
  [11, BigUint64Array],
]);

/** Elements of a typed array start at a multiple of this many bytes from the start of the message. */
export const ALIGNMENT = 8;

/** Values nest this deep at most, on both sides: the stack of a thread must hold the recursion. */
export const MAX_DEPTH = 1000;

/** The largest message, in bytes. Larger values belong in files. */
export const MAX_MESSAGE_BYTES: number = 2 ** 31 - 1;
