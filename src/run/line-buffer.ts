import { writeInteger, writeThree } from './ascii-digits.js';
import { WORD_BYTES, type Words } from './line-head.js';

/** More than any task takes on a line, and the line's end. */
const ROOM_OF_TASK = 64;
const COMMA = 0x2c;
const POINT = 0x2e;
const SPACE = 0x20;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const END = 0x7d;
const LINE_FEED = 0x0a;

/** Collects lines of {@link EventLine}s, and hands whole ones on when there is no room for more. */
export class LineBuffer {
  readonly #bytes: Buffer;
  readonly #words: Words;
  readonly #onFull: (bytes: Uint8Array) => void;
  /** Bytes so far; a line begins at a word. */
  #length = 0;

  /** @param onFull takes the bytes so far; they are overwritten when it returns */
  constructor(size: number, onFull: (bytes: Uint8Array) => void) {
    const memory = new ArrayBuffer(size);
    this.#bytes = Buffer.from(memory);
    this.#words = new Float64Array(memory);
    this.#onFull = onFull;
  }

  /** Whether one more task has room on the line. */
  get hasRoom(): boolean {
    return this.#length + ROOM_OF_TASK <= this.#bytes.length;
  }

  /** Begins a line. There is room for one task on it. */
  begin(head: Words): void {
    if (this.#length + head.byteLength + ROOM_OF_TASK > this.#bytes.length) this.flush();
    if (head.byteLength + ROOM_OF_TASK > this.#bytes.length) {
      // What is longer than the buffer goes by itself.
      this.#onFull(Buffer.from(head.buffer));
      return;
    }
    const target = this.#words;
    let at = this.#length / WORD_BYTES;
    for (let index = 0; index < head.length; index++) target[at++] = head[index] as number;
    this.#length = at * WORD_BYTES;
  }

  /** Adds a task to the line. */
  task(taskId: number): void {
    const at = writeInteger(this.#bytes, this.#length, taskId);
    this.#bytes[at] = COMMA;
    this.#length = at + 1;
  }

  /** Adds a task and how long its attempt ran, in thousandths of a millisecond: a whole number of 31 bits. */
  timedTask(taskId: number, thousandths: number): void {
    const bytes = this.#bytes;
    bytes[this.#length] = OPEN;
    let at = writeInteger(bytes, this.#length + 1, taskId);
    bytes[at] = COMMA;
    const whole = (thousandths / 1000) | 0;
    at = writeInteger(bytes, at + 1, whole);
    bytes[at] = POINT;
    at = writeThree(bytes, at + 1, thousandths - whole * 1000);
    bytes[at] = CLOSE;
    bytes[at + 1] = COMMA;
    this.#length = at + 2;
  }

  /** Ends the line, which has a task. */
  end(): void {
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at - 1] = CLOSE;
    while (at % WORD_BYTES !== WORD_BYTES - 2) bytes[at++] = SPACE;
    bytes[at++] = END;
    bytes[at++] = LINE_FEED;
    this.#length = at;
  }

  /** Hands on what there is. */
  flush(): void {
    if (this.#length > 0) this.#onFull(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }
}
