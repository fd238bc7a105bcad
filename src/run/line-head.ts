/** Bytes of a word. */
export const WORD_BYTES = 8;

/**
 * ASCII text in words of eight bytes, filled up with spaces: copied in words it costs a fifth of what it costs in bytes.
 *
 * They are doubles, which an engine copies as they are, but for one thing: a NaN may come out as another NaN. Eight bytes
 * of ASCII are never a NaN; any other text has to go around them.
 */
export type Words = Float64Array<ArrayBuffer>;

/** What lines have in common before they differ, but for the time. It ends where JSON lets spaces stand. */
export class LineHead {
  readonly #before: string;
  readonly #after: string;
  #words: Words = wordsOf('');
  #bytes: Buffer = Buffer.from(this.#words.buffer);
  #atMs = Number.NaN;
  #timeLength = 0;

  constructor(before: string, after: string) {
    this.#before = before;
    this.#after = after;
  }

  /** The head at this time, until it is asked for at another one. Many lines share a millisecond. */
  at(atMs: number): Words {
    if (atMs !== this.#atMs) this.#setTime(`${atMs}`);
    this.#atMs = atMs;
    return this.#words;
  }

  #setTime(time: string): void {
    if (time.length === this.#timeLength) {
      this.#bytes.write(time, this.#before.length);
      return;
    }
    this.#words = wordsOf(`${this.#before}${time}${this.#after}`);
    this.#bytes = Buffer.from(this.#words.buffer);
    this.#timeLength = time.length;
  }
}

/** JSON of a value, in ASCII. */
export function asciiJson(value: object | string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[\x80-\uffff]/g, escaped);
}

function wordsOf(text: string): Words {
  const words = new Float64Array(Math.ceil(text.length / WORD_BYTES));
  Buffer.from(words.buffer).fill(' ').write(text);
  return words;
}
