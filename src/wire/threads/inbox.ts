/** Batches longer than this, in bytes, travel by message. */
const LONGEST_BYTES = 32 * 1024;

// Words: who waits for whom (one of PHASE), then the length of the batch in bytes.
const PHASE_WORD = 0;
const LENGTH_WORD = 1;
const HEAD_BYTES = 2 * Int32Array.BYTES_PER_ELEMENT;

/** Bytes of shared memory that an inbox needs. */
export const INBOX_BYTES: number = HEAD_BYTES + LONGEST_BYTES;

const PHASE = {
  /** A batch is under way, and the client looks whether it is over. */
  watched: 0,
  /** A batch is under way, and its end has to be told by message. */
  unwatched: 1,
  /** The thread is done, and waits for the next batch. */
  waiting: 2,
  /** The thread waits no more: it says so by message. */
  left: 3,
} as const;

/**
 * Shared memory in which a client gives a thread one batch after the other without a message there or back, which take
 * several times as long as a small task. It works only as long as both are quick: a client that stops looking is told by
 * message, and a thread that waits in vain leaves.
 */
export class Inbox {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer, offset: number) {
    this.#words = new Int32Array(memory, offset, HEAD_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#bytes = new Uint8Array(memory, offset + HEAD_BYTES, LONGEST_BYTES);
  }

  /** Client: for a thread that gets its first batch by message. */
  reset(): void {
    Atomics.store(this.#words, PHASE_WORD, PHASE.watched);
  }

  /** Client: whether the thread is done with its batch, and waits for the next. */
  get isWaiting(): boolean {
    return Atomics.load(this.#words, PHASE_WORD) === PHASE.waiting;
  }

  /** Client: looks no more while this batch is under way. */
  unwatch(): void {
    this.#exchange(PHASE.watched, PHASE.unwatched);
  }

  /** Client: gives a thread that was seen to wait its next batch; false when that is too long, or the thread has left. */
  put(bytes: Uint8Array): boolean {
    if (bytes.byteLength > LONGEST_BYTES) return false;
    this.#words[LENGTH_WORD] = bytes.byteLength;
    this.#bytes.set(bytes);
    return this.#wake(PHASE.watched);
  }

  /** Client: lets a waiting thread leave. */
  dismiss(): void {
    this.#wake(PHASE.left);
  }

  /** Thread: its batch is over; waits for the next one, and answers `undefined` when it has to leave. */
  take(waitMs: number): Uint8Array | undefined {
    if (!this.#exchange(PHASE.watched, PHASE.waiting)) return undefined;
    Atomics.wait(this.#words, PHASE_WORD, PHASE.waiting, waitMs);
    if (this.#exchange(PHASE.waiting, PHASE.left)) return undefined;
    if (Atomics.load(this.#words, PHASE_WORD) === PHASE.left) return undefined;
    const bytes = new Uint8Array(this.#words[LENGTH_WORD] as number);
    bytes.set(this.#bytes.subarray(0, bytes.byteLength));
    return bytes;
  }

  #wake(phase: number): boolean {
    if (!this.#exchange(PHASE.waiting, phase)) return false;
    Atomics.notify(this.#words, PHASE_WORD);
    return true;
  }

  #exchange(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, PHASE_WORD, from, to) === from;
  }
}
