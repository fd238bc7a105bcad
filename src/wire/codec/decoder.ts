import type { DataFile } from '../../data/data-file.js';
import { WIRE_VERSION } from '../task-envelope.js';
import { ByteReader } from './byte-reader.js';
import { readerOf } from './extension-readers.js';
import { MAX_DEPTH } from './format.js';

/** How a message is read. */
export interface DecodeOptions {
  /** The value of a slot. Default: a message with slots is refused with `PROTOCOL`. */
  readonly slot?: (index: number) => unknown;
  /** Called for every DataFile in the message, in its order. */
  readonly onFile?: (file: DataFile) => void;
  /**
   * `view` (default): binary values of 64 KiB and more are views of the message, so that writing to one changes it.
   * `copy`: none is; for messages that are kept, and read again. Smaller ones, and ArrayBuffers, are always copies.
   */
  readonly binary?: 'view' | 'copy';
}

/** Reads one message. Nothing is allocated that the message's own size does not account for. */
export class Decoder {
  readonly in: ByteReader;
  readonly options: DecodeOptions;
  #depth = 0;

  constructor(bytes: Uint8Array, options: DecodeOptions) {
    this.in = new ByteReader(bytes);
    this.options = options;
  }

  /** The one value of the message. @throws {SluiceError} `PROTOCOL` */
  message(): unknown {
    const version = this.in.uint8();
    if (version !== WIRE_VERSION) {
      throw this.in.malformed(`has wire version ${version}, and this side speaks version ${WIRE_VERSION}`);
    }
    const value = this.read();
    const rest = this.in.end - this.in.at;
    if (rest > 0) throw this.in.malformed(`has ${rest} bytes after its end`);
    return value;
  }

  read(): unknown {
    const head = this.in.uint8();
    if (head < 0x80) return head;
    if (head < 0x90) return this.#object(head & 0x0f);
    if (head < 0xa0) return this.#array(head & 0x0f);
    if (head < 0xc0) return this.in.utf8(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    return this.#readLong(head);
  }

  /** Count of the elements that follow. */
  arrayHeader(): number {
    const head = this.in.uint8();
    if (head >= 0x90 && head < 0xa0) return this.#count(head & 0x0f, 1);
    if (head === 0xdc) return this.#count(this.in.uint16(), 1);
    if (head === 0xdd) return this.#count(this.in.uint32(), 1);
    throw this.in.malformed('should have an array');
  }

  /** Count of the entries that follow. */
  mapHeader(): number {
    const head = this.in.uint8();
    if (head >= 0x80 && head < 0x90) return this.#count(head & 0x0f, 2);
    if (head === 0xde) return this.#count(this.in.uint16(), 2);
    if (head === 0xdf) return this.#count(this.in.uint32(), 2);
    throw this.in.malformed('should have a map');
  }

  string(): string {
    const value = this.read();
    if (typeof value === 'string') return value;
    throw this.in.malformed('should have a string');
  }

  integer(): number {
    const value = this.read();
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    throw this.in.malformed('should have an integer');
  }

  /** The name of a property. */
  key(): string {
    const head = this.in.uint8();
    if (head >= 0xa0 && head < 0xc0) return this.in.key(head & 0x1f);
    this.in.at--;
    return this.string();
  }

  #readLong(head: number): unknown {
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.in.float32();
      case 0xcb:
        return this.in.float64();
      case 0xcc:
        return this.in.uint8();
      case 0xcd:
        return this.in.uint16();
      case 0xce:
        return this.in.uint32();
      case 0xcf:
        return this.in.uint64();
      case 0xd0:
        return this.in.int8();
      case 0xd1:
        return this.in.int16();
      case 0xd2:
        return this.in.int32();
      case 0xd3:
        return this.in.int64();
      default:
        return this.#readSized(head);
    }
  }

  #readSized(head: number): unknown {
    switch (head) {
      case 0xc4:
        return this.binary(this.in.uint8());
      case 0xc5:
        return this.binary(this.in.uint16());
      case 0xc6:
        return this.binary(this.in.uint32());
      case 0xc7:
        return this.#extension(this.in.uint8());
      case 0xc8:
        return this.#extension(this.in.uint16());
      case 0xc9:
        return this.#extension(this.in.uint32());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (head - 0xd4));
      case 0xd9:
        return this.in.utf8(this.in.uint8());
      case 0xda:
        return this.in.utf8(this.in.uint16());
      case 0xdb:
        return this.in.utf8(this.in.uint32());
      case 0xdc:
        return this.#array(this.in.uint16());
      case 0xdd:
        return this.#array(this.in.uint32());
      case 0xde:
        return this.#object(this.in.uint16());
      case 0xdf:
        return this.#object(this.in.uint32());
      default:
        throw this.in.malformed(`has the byte 0x${head.toString(16)}, which starts no value`);
    }
  }

  /** `size` bytes, as a view of the message or a copy of it. */
  binary(size: number): Uint8Array {
    const view = this.in.view(size);
    return size < SMALLEST_VIEW || this.options.binary === 'copy' ? new Uint8Array(view) : view;
  }

  #array(length: number): unknown[] {
    let left = this.#count(length, 1);
    this.#enter();
    const array: unknown[] = [];
    for (; left > 0; left--) array.push(this.read());
    this.#depth--;
    return array;
  }

  #object(size: number): Record<string, unknown> {
    let left = this.#count(size, 2);
    this.#enter();
    const object: Record<string, unknown> = {};
    for (; left > 0; left--) {
      const key = this.key();
      const value = this.read();
      // Plain assignment would set the prototype.
      if (key === '__proto__') Object.defineProperty(object, key, { value, ...OWN_DATA });
      else object[key] = value;
    }
    this.#depth--;
    return object;
  }

  #extension(size: number): unknown {
    const type = this.in.uint8();
    const read = readerOf(type);
    if (read === undefined) throw this.in.malformed(`has the extension type ${type}, which is not known here`);
    const outerEnd = this.in.end;
    this.in.end = this.in.advance(size) + size;
    this.in.at -= size;
    this.#enter();
    const value = read(this, size);
    this.#depth--;
    if (this.in.at !== this.in.end) throw this.in.malformed('has more bytes than its extension needs');
    this.in.end = outerEnd;
    return value;
  }

  /** Refuses a count that the bytes left cannot hold, before anything is done `count` times. */
  #count(count: number, bytesEach: number): number {
    const left = this.in.end - this.in.at;
    if (count * bytesEach > left) throw this.in.malformed(`has ${count} elements in the ${left} bytes left`);
    return count;
  }

  #enter(): void {
    // A leaf of an extension may stand one level deeper than the deepest container.
    if (++this.#depth > MAX_DEPTH + 1) throw this.in.malformed(`nests more than ${MAX_DEPTH} deep`);
  }
}

/** In bytes. A view keeps the whole message in memory, and a small one is copied in no time. */
const SMALLEST_VIEW = 64 * 1024;
const OWN_DATA = { writable: true, enumerable: true, configurable: true } as const;
