/** Bytes of a word. */
export const WORD_BYTES = 8;

/**
 * Text in words of eight bytes, filled up with spaces where JSON lets them stand: between two of its tokens. Copied in
 * words a line costs a fifth of what it costs in bytes.
 *
 * They are doubles, which an engine copies as they are, but for one thing: a NaN may come out as another NaN. Eight bytes
 * of ASCII are never a NaN; any other text has to go around them.
 */
export type Words = Float64Array<ArrayBuffer>;

/** The words of a text, which has to be ASCII. */
export function wordsOf(text: string): Words {
  const words = new Float64Array(Math.ceil(text.length / WORD_BYTES));
  Buffer.from(words.buffer).fill(' ').write(text);
  return words;
}

/** JSON of a string, in ASCII. */
export function asciiJson(text: string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(/[\x80-\uffff]/g, escaped);
}

/** Collects words, and hands them on before they are more than it has room for. */
export class WordBuffer {
  readonly #bytes: Buffer;
  readonly #words: Words;
  readonly #onFull: (bytes: Uint8Array) => void;
  /** Words so far. */
  #length = 0;

  /** @param onFull takes the bytes so far; they are overwritten when it returns */
  constructor(size: number, onFull: (bytes: Uint8Array) => void) {
    const memory = new ArrayBuffer(size);
    this.#bytes = Buffer.from(memory);
    this.#words = new Float64Array(memory);
    this.#onFull = onFull;
  }

  /** Makes room for so many words, if there ever is: they stay together. */
  reserve(words: number): void {
    if (this.#length + words > this.#words.length) this.flush();
  }

  put(words: Words, from = 0): void {
    const target = this.#words;
    let length = this.#length;
    if (length + words.length > target.length) {
      this.#putBytes(Buffer.from(words.buffer, from * WORD_BYTES));
      return;
    }
    for (let index = from; index < words.length; index++) target[length++] = words[index] as number;
    this.#length = length;
  }

  /** A number to three decimal places, in one word. @param thousandths a whole number below 10,000 */
  putThousandths(thousandths: number): void {
    this.reserve(1);
    const bytes = this.#bytes;
    const at = this.#length * WORD_BYTES;
    const whole = (thousandths / 1000) | 0;
    const tenths = (thousandths / 100) | 0;
    const hundredths = (thousandths / 10) | 0;
    bytes[at] = ZERO + whole;
    bytes[at + 1] = POINT;
    bytes[at + 2] = ZERO + tenths - whole * 10;
    bytes[at + 3] = ZERO + hundredths - tenths * 10;
    bytes[at + 4] = ZERO + thousandths - hundredths * 10;
    bytes[at + 5] = SPACE;
    bytes[at + 6] = SPACE;
    bytes[at + 7] = SPACE;
    this.#length += 1;
  }

  /** Text of any kind and length. */
  putText(text: string): void {
    const excess = Buffer.byteLength(text) % WORD_BYTES;
    this.#putBytes(Buffer.from(excess === 0 ? text : text + ' '.repeat(WORD_BYTES - excess)));
  }

  /** Hands on what there is. */
  flush(): void {
    if (this.#length > 0) this.#onFull(this.#bytes.subarray(0, this.#length * WORD_BYTES));
    this.#length = 0;
  }

  // What is longer than the buffer goes by itself.
  #putBytes(bytes: Buffer): void {
    const words = bytes.length / WORD_BYTES;
    this.reserve(words);
    if (words > this.#words.length) {
      this.#onFull(bytes);
      return;
    }
    this.#bytes.set(bytes, this.#length * WORD_BYTES);
    this.#length += words;
  }
}

const SPACE = 0x20;
const ZERO = 0x30;
const POINT = 0x2e;
