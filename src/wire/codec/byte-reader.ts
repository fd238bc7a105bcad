import { isUtf8 } from 'node:buffer';
import { SluiceError } from '../../errors.js';
import { KeyCache } from './key-cache.js';

/** Up to this many bytes, a loop beats a call into the runtime. */
const SHORT_STRING = 16;
const REPLACEMENT = '\ufffd';
const ASCII: readonly string[] = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code));
const keys: KeyCache = new KeyCache();

/**
 * Reads headers, numbers and strings from a message, and never past `end`.
 *
 * Every method throws a SluiceError `PROTOCOL`, naming the offset, where the message does not hold what is asked for.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  at = 0;
  /** Offset after the last byte that may be read: the end of the message, or of the extension being read. */
  end: number;
  #view: DataView | undefined;
  #text: Buffer | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  /** Skips `count` bytes and returns the offset of the first. */
  advance(count: number): number {
    const start = this.at;
    if (count > this.end - start) throw this.malformed(`needs ${count} bytes where ${this.end - start} are left`);
    this.at = start + count;
    return start;
  }

  uint8(): number {
    if (this.at >= this.end) throw this.malformed('ends in the middle of a value');
    return this.bytes[this.at++] as number;
  }

  uint16(): number {
    const start = this.advance(2);
    return ((this.bytes[start] as number) << 8) | (this.bytes[start + 1] as number);
  }

  uint32(): number {
    return this.#dataView().getUint32(this.advance(4));
  }

  int8(): number {
    return (this.uint8() << 24) >> 24;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    return this.uint32() | 0;
  }

  uint64(): number {
    const high = this.uint32();
    return this.#exact(high * 0x100000000 + this.uint32());
  }

  int64(): number {
    const high = this.int32();
    return this.#exact(high * 0x100000000 + this.uint32());
  }

  float32(): number {
    return this.#dataView().getFloat32(this.advance(4));
  }

  float64(): number {
    return this.#dataView().getFloat64(this.advance(8));
  }

  /** A string of `size` bytes of UTF-8. */
  utf8(size: number): string {
    const start = this.advance(size);
    return (size <= SHORT_STRING ? this.#ascii(start) : undefined) ?? this.#utf8(start);
  }

  /** Like {@link utf8}, for text that is likely to come again. */
  key(size: number): string {
    const start = this.advance(size);
    return keys.find(this.bytes, start, this.at) ?? keys.keep(this.#utf8(start), this.bytes, start, this.at);
  }

  utf16(size: number): string {
    if (size % 2 !== 0) throw this.malformed('has half a UTF-16 code unit');
    const start = this.advance(size);
    return this.#buffer().toString('utf16le', start, this.at);
  }

  /** A view of the next `size` bytes. */
  view(size: number): Uint8Array {
    const start = this.advance(size);
    return this.bytes.subarray(start, this.at);
  }

  /** The error for a message that is not of this version, or broken. */
  malformed(what: string, cause?: unknown): SluiceError {
    const options = cause === undefined ? {} : { cause };
    return new SluiceError('PROTOCOL', `a message that cannot be read: at byte ${this.at}, it ${what}`, options);
  }

  #exact(value: number): number {
    if (Number.isSafeInteger(value)) return value;
    throw this.malformed('has an integer beyond 2^53');
  }

  /** `undefined` when the bytes from `start` to here are not all ASCII. */
  #ascii(start: number): string | undefined {
    const { bytes, at } = this;
    let text = '';
    for (let index = start; index < at; index++) {
      const letter = ASCII[bytes[index] as number];
      if (letter === undefined) return undefined;
      text += letter;
    }
    return text;
  }

  #utf8(start: number): string {
    const text = this.#buffer().toString('utf8', start, this.at);
    // The decoder puts it in place of what is not UTF-8; a message may hold it rightfully, too.
    if (text.includes(REPLACEMENT) && !isUtf8(this.bytes.subarray(start, this.at))) {
      throw this.malformed('has a string that is not UTF-8');
    }
    return text;
  }

  #dataView(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  #buffer(): Buffer {
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#text ??= Buffer.from(buffer, byteOffset, byteLength);
    return this.#text;
  }
}
