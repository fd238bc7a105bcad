import { EXTENSION, MAX_MESSAGE_BYTES } from './format.js';

const FIRST_CAPACITY = 16 * 1024;
/** Messages up to this size are copied out, and the buffer stays for the next one. */
const KEPT_BYTES = 1024 * 1024;
/** Up to this many characters, a loop beats a call into the runtime. */
const SHORT_STRING = 40;
/** Above this many characters, it pays to count the bytes first, instead of reserving for the worst case. */
const COUNTED_STRING = 64 * 1024;

/** The message outgrew {@link MAX_MESSAGE_BYTES}, or the memory there is. */
export class MessageTooLarge extends Error {}

/** A growing buffer that knows msgpack's headers and scalars. It is used again and again. */
export class ByteWriter {
  /** Count of bytes written. */
  length = 0;
  bytes!: Uint8Array<ArrayBuffer>;
  view!: DataView;
  /** The same memory, for its string methods. */
  #text!: Buffer;

  constructor() {
    this.#allocate(FIRST_CAPACITY);
  }

  /** Makes room for `count` more bytes. @throws {MessageTooLarge} */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.#grow(count);
  }

  /** What was written, in memory of its own; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const { length, bytes } = this;
    this.length = 0;
    if (bytes.length <= KEPT_BYTES) return bytes.slice(0, length);
    this.#allocate(FIRST_CAPACITY);
    // A copy of a large message costs more than the unused part of its buffer, unless that part is most of it.
    return length * 2 > bytes.length ? bytes.subarray(0, length) : bytes.slice(0, length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Integers take their shortest form; all that no integer form holds exactly is a float64. */
  number(value: number): void {
    this.reserve(9);
    if ((value | 0) === value && !Object.is(value, -0)) this.#int32(value);
    else if (Number.isSafeInteger(value) && value !== 0) this.#int64(value);
    else this.#float64(0xcb, value);
  }

  string(text: string): void {
    if (text.length > SHORT_STRING || !this.#shortString(text)) this.#longString(text);
  }

  arrayHeader(count: number): void {
    this.reserve(5);
    if (count < 16) this.bytes[this.length++] = 0x90 | count;
    else this.#sizeHeader(count, 0, 0xdc);
  }

  mapHeader(count: number): void {
    this.reserve(5);
    if (count < 16) this.bytes[this.length++] = 0x80 | count;
    else this.#sizeHeader(count, 0, 0xde);
  }

  binary(data: Uint8Array): void {
    this.reserve(5 + data.length);
    this.#sizeHeader(data.length, 0xc4, 0xc5);
    this.raw(data);
  }

  /** Bytes as they are, without a header. */
  raw(data: Uint8Array): void {
    this.reserve(data.length);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }

  /** An extension of one byte. */
  extension1(type: number, value: number): void {
    this.reserve(3);
    this.bytes[this.length++] = 0xd4;
    this.bytes[this.length++] = type;
    this.bytes[this.length++] = value;
  }

  /** An extension of one uint32. */
  extension4(type: number, value: number): void {
    this.reserve(6);
    this.bytes[this.length++] = 0xd6;
    this.bytes[this.length++] = type;
    this.#uint32(value);
  }

  /** An extension of one float64. */
  extension8(type: number, value: number): void {
    this.reserve(10);
    this.bytes[this.length++] = 0xd7;
    this.#float64(type, value);
  }

  /** Opens an extension of a length not known yet; the returned mark closes it. */
  beginExtension(type: number): number {
    this.reserve(6);
    this.bytes[this.length] = 0xc9;
    this.bytes[this.length + 5] = type;
    this.length += 6;
    return this.length;
  }

  endExtension(mark: number): void {
    this.view.setUint32(mark - 5, this.length - mark);
  }

  #int32(value: number): void {
    const { bytes } = this;
    if (value >= 0) {
      if (value < 0x80) bytes[this.length++] = value;
      else this.#sizeHeader(value, 0xcc, 0xcd);
    } else if (value >= -0x20) bytes[this.length++] = value & 0xff;
    else if (value >= -0x80) {
      bytes[this.length++] = 0xd0;
      bytes[this.length++] = value & 0xff;
    } else if (value >= -0x8000) {
      bytes[this.length++] = 0xd1;
      this.#uint16(value);
    } else {
      bytes[this.length++] = 0xd2;
      this.#uint32(value);
    }
  }

  #int64(value: number): void {
    if (value > 0 && value <= 0xffffffff) {
      this.bytes[this.length++] = 0xce;
    } else {
      this.bytes[this.length++] = value < 0 ? 0xd3 : 0xcf;
      this.#uint32(Math.floor(value / 0x100000000));
    }
    this.#uint32(value);
  }

  #float64(head: number, value: number): void {
    this.bytes[this.length] = head;
    this.view.setFloat64(this.length + 1, value);
    this.length += 9;
  }

  /** `head8` 0 means that there is no form with one byte; the form with four bytes always follows `head16`. */
  #sizeHeader(size: number, head8: number, head16: number): void {
    if (size < 0x100 && head8 !== 0) {
      this.bytes[this.length++] = head8;
      this.bytes[this.length++] = size;
    } else if (size < 0x10000) {
      this.bytes[this.length++] = head16;
      this.#uint16(size);
    } else {
      this.bytes[this.length++] = head16 + 1;
      this.#uint32(size);
    }
  }

  #uint16(value: number): void {
    this.bytes[this.length++] = (value >> 8) & 0xff;
    this.bytes[this.length++] = value & 0xff;
  }

  #uint32(value: number): void {
    this.view.setUint32(this.length, value);
    this.length += 4;
  }

  /** Whether the text was short ASCII, and so is written. */
  #shortString(text: string): boolean {
    const count = text.length;
    this.reserve(count + 2);
    const { bytes } = this;
    let at = this.length;
    if (count >= 32) bytes[at++] = 0xd9;
    bytes[at++] = count < 32 ? 0xa0 | count : count;
    for (let index = 0; index < count; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) return false;
      bytes[at++] = unit;
    }
    this.length = at;
    return true;
  }

  #longString(text: string): void {
    const most = text.length > COUNTED_STRING ? Buffer.byteLength(text) : text.length * 3;
    this.reserve(5 + most);
    const guess = stringHeaderSize(text.length);
    const size = this.#text.write(text, this.length + guess, 'utf8');
    // As many bytes as characters: all of them are ASCII.
    if (size !== text.length && !isWellFormed(text)) this.#utf16(text);
    else this.#stringHeader(size, guess);
  }

  /** Writes the header of a string of `size` bytes, which already stand `room` bytes from here. */
  #stringHeader(size: number, room: number): void {
    const start = this.length;
    const needed = stringHeaderSize(size);
    if (needed !== room) this.bytes.copyWithin(start + needed, start + room, start + room + size);
    if (size < 32) this.bytes[this.length++] = 0xa0 | size;
    else this.#sizeHeader(size, 0xd9, 0xda);
    this.length += size;
  }

  #utf16(text: string): void {
    const mark = this.beginExtension(EXTENSION.utf16);
    this.reserve(text.length * 2);
    this.length += this.#text.write(text, this.length, 'utf16le');
    this.endExtension(mark);
  }

  #grow(count: number): void {
    const wanted = this.length + count;
    if (wanted > MAX_MESSAGE_BYTES) throw new MessageTooLarge();
    const { bytes } = this;
    this.#allocate(Math.min(MAX_MESSAGE_BYTES, Math.max(wanted + (wanted >> 3), bytes.length * 2)));
    this.bytes.set(bytes.subarray(0, this.length));
  }

  #allocate(capacity: number): void {
    const memory = allocate(capacity);
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.#text = Buffer.from(memory);
  }
}

function allocate(capacity: number): ArrayBuffer {
  try {
    return new ArrayBuffer(capacity);
  } catch (error) {
    throw new MessageTooLarge('out of memory', { cause: error });
  }
}

function stringHeaderSize(size: number): number {
  if (size < 32) return 1;
  if (size < 0x100) return 2;
  return size < 0x10000 ? 3 : 5;
}

/** Whether every surrogate has its partner. Node 20 has the method (ES2024), the types of ES2023 do not. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
