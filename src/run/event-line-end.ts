import { WORD_BYTES, type Words } from './event-words.js';

/** No number takes more, with `}` and line feed after it. */
const MOST_WORDS = 4;
const LAST_DIGIT = MOST_WORDS * WORD_BYTES - 3;

/** The end of a line: the task's number, `}` and line feed. Kept, since a task's events often follow one another. */
export class LineEnd {
  /** The end, from the word {@link start} on; overwritten by the next {@link set}. */
  readonly words: Words = new Float64Array(MOST_WORDS);
  readonly #bytes: Buffer = Buffer.from(this.words.buffer).fill('}\n', LAST_DIGIT + 1);
  #start = 0;
  #taskId = Number.NaN;

  get start(): number {
    return this.#start;
  }

  set(taskId: number): void {
    if (taskId === this.#taskId) return;
    this.#taskId = taskId;
    const isSmall = (taskId | 0) === taskId && taskId >= 0;
    let at = isSmall ? this.#putDigits(taskId) : this.#putText(`${taskId}`);
    while (at % WORD_BYTES !== 0) this.#bytes[--at] = SPACE;
    this.#start = at / WORD_BYTES;
  }

  // Small enough for the arithmetic of integers, which is the faster one.
  #putDigits(taskId: number): number {
    const bytes = this.#bytes;
    let at = LAST_DIGIT + 1;
    let rest = taskId;
    do {
      const tens = (rest / 10) | 0;
      bytes[--at] = ZERO + rest - tens * 10;
      rest = tens;
    } while (rest > 0);
    return at;
  }

  #putText(text: string): number {
    const at = LAST_DIGIT + 1 - text.length;
    this.#bytes.write(text, at);
    return at;
  }
}

const SPACE = 0x20;
const ZERO = 0x30;
