import { DataFile } from '../../data/data-file.js';
import { messageOf } from '../../errors.js';
import type { Decoder } from './decoder.js';
import { ErrorRecord, errorOf } from './error-record.js';
import { ARRAY_BUFFER_KIND, EXTENSION, VIEW_KINDS } from './format.js';

/** Reads the `size` bytes of one extension. */
type Reader = (decoder: Decoder, size: number) => unknown;

/** The reader of an extension type, `undefined` for one that this version does not know. */
export function readerOf(type: number): Reader | undefined {
  return READERS[type];
}

const READERS: readonly Reader[] = inOrder({
  undefined: readUndefined,
  bigint: readBigint,
  utf16: (decoder, size) => decoder.in.utf16(size),
  date: (decoder) => new Date(decoder.in.float64()),
  regexp: readRegExp,
  url: (decoder) => parse(decoder, 'URL', (text) => new URL(text)),
  map: readMap,
  set: readSet,
  sparse: readSparseArray,
  binary: readBinary,
  error: readError,
  file: readFile,
  slot: readSlot,
});

function inOrder(readers: Record<keyof typeof EXTENSION, Reader>): Reader[] {
  const ordered: Reader[] = [];
  for (const [name, type] of Object.entries(EXTENSION)) ordered[type] = readers[name as keyof typeof EXTENSION];
  return ordered;
}

function readUndefined(decoder: Decoder): undefined {
  if (decoder.in.uint8() !== 0) throw decoder.in.malformed('has a constant that is not known here');
}

/** V8 holds no larger ones. */
const MAX_BIGINT_BYTES = 2 ** 27;

function readBigint(decoder: Decoder, size: number): bigint {
  if (size > MAX_BIGINT_BYTES) throw decoder.in.malformed('has a bigint that is too large');
  const sign = decoder.in.uint8();
  const magnitude = decoder.in.view(size - 1);
  const hex = Buffer.from(magnitude.buffer, magnitude.byteOffset, magnitude.length).toString('hex');
  const value = hex === '' ? 0n : BigInt(`0x${hex}`);
  return sign === 1 ? -value : value;
}

function readRegExp(decoder: Decoder): RegExp {
  const source = decoder.string();
  const flags = decoder.string();
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw decoder.in.malformed(`has a RegExp that this Node does not know: ${messageOf(error)}`, error);
  }
}

function readFile(decoder: Decoder): DataFile {
  const file = parse(decoder, 'file', (text) => {
    const parsed = new DataFile(text);
    // A bare path would be resolved here, where it means something else.
    if (parsed.url !== text) throw new Error(`${text} is not in its normal form`);
    return parsed;
  });
  decoder.options.onFile?.(file);
  return file;
}

function parse<T>(decoder: Decoder, what: string, from: (text: string) => T): T {
  const text = decoder.string();
  try {
    return from(text);
  } catch (error) {
    throw decoder.in.malformed(`has a ${what} that is none: ${messageOf(error)}`, error);
  }
}

function readMap(decoder: Decoder): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let left = decoder.mapHeader(); left > 0; left--) {
    const key = decoder.read();
    map.set(key, decoder.read());
  }
  return map;
}

function readSet(decoder: Decoder): Set<unknown> {
  const set = new Set<unknown>();
  for (let left = decoder.arrayHeader(); left > 0; left--) set.add(decoder.read());
  return set;
}

function readSparseArray(decoder: Decoder): unknown[] {
  const array: unknown[] = [];
  const length = decoder.integer();
  if (length < 0 || length > 2 ** 32 - 1) throw decoder.in.malformed('has an array of an impossible length');
  // Set first: V8 then keeps a table of the elements there are, instead of room for all.
  array.length = length;
  for (let left = decoder.mapHeader(); left > 0; left--) {
    const index = decoder.integer();
    if (index < 0 || index >= length) throw decoder.in.malformed('has an index outside of its array');
    array[index] = decoder.read();
  }
  return array;
}

function readBinary(decoder: Decoder): ArrayBufferLike | ArrayBufferView {
  const kind = decoder.in.uint8();
  decoder.in.advance(decoder.in.uint8());
  const size = decoder.in.end - decoder.in.at;
  if (kind === ARRAY_BUFFER_KIND) return new Uint8Array(decoder.in.view(size)).buffer;
  const View = VIEW_KINDS.get(kind);
  if (View === undefined) throw decoder.in.malformed('has a binary kind that is not known here');
  const width = View.BYTES_PER_ELEMENT ?? 1;
  if (size % width !== 0) throw decoder.in.malformed('has half an element at the end of a typed array');
  const bytes = decoder.binary(size);
  // A message that was carried inside another one may start anywhere.
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  return new View(buffer, byteOffset, size / width);
}

function readSlot(decoder: Decoder): unknown {
  const { slot } = decoder.options;
  if (slot === undefined) throw decoder.in.malformed('has a slot where none may stand');
  return slot(decoder.in.uint32());
}

function readError(decoder: Decoder): Error {
  if (decoder.arrayHeader() !== ErrorRecord.LENGTH) throw decoder.in.malformed('should have an error');
  const kind = decoder.string();
  const exact = decoder.read() === true;
  const name = decoder.string();
  const message = decoder.string();
  const stack = decoder.string();
  const fields: [string, unknown][] = [];
  for (let left = decoder.mapHeader(); left > 0; left--) fields.push([decoder.key(), decoder.read()]);
  const cause: unknown[] = [];
  for (let left = decoder.arrayHeader(); left > 0; left--) cause.push(decoder.read());
  const errors = decoder.read();
  const record = { kind, exact, name, message, stack, fields, cause };
  return errorOf(new ErrorRecord({ ...record, errors: Array.isArray(errors) ? errors : undefined }));
}
