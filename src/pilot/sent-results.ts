import type { Frames } from '../transport/transport.js';

interface Sent {
  readonly frames: Frames;
  readonly keys: readonly number[];
  readonly bytes: number;
  readonly atMs: number;
}

/**
 * Messages of results that may have been lost with an interchange: those of the last `keepMs` milliseconds, `keepBytes`
 * at most but for the newest. A link repeats what its peer has not acknowledged, but what an interchange had taken
 * and not passed on when it ended is nowhere else.
 */
export class SentResults {
  readonly #keepMs: number;
  readonly #keepBytes: number;
  #sent: (Sent | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor({ keepMs, keepBytes }: { readonly keepMs: number; readonly keepBytes: number }) {
    this.#keepMs = keepMs;
    this.#keepBytes = keepBytes;
  }

  add(message: { readonly frames: Frames; readonly keys: readonly number[] }, nowMs: number): void {
    const { frames, keys } = message;
    let bytes = 0;
    for (const { byteLength } of frames) bytes += byteLength;
    this.#sent.push({ frames, keys, bytes, atMs: nowMs });
    this.#bytes += bytes;
    this.#forgetOld(nowMs);
  }

  /** What a new interchange has to be told, the oldest first. */
  recent(nowMs: number): readonly { readonly frames: Frames; readonly keys: readonly number[] }[] {
    this.#forgetOld(nowMs);
    return this.#sent.slice(this.#head) as Sent[];
  }

  #forgetOld(nowMs: number): void {
    for (let oldest = this.#sent[this.#head]; oldest !== undefined; oldest = this.#sent[this.#head]) {
      const isNewest = this.#head === this.#sent.length - 1;
      const isTooMuch = this.#bytes > this.#keepBytes && !isNewest;
      if (nowMs - oldest.atMs <= this.#keepMs && !isTooMuch) break;
      this.#bytes -= oldest.bytes;
      this.#sent[this.#head] = undefined;
      this.#head += 1;
    }
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#sent.length) return;
    this.#sent = this.#sent.slice(this.#head);
    this.#head = 0;
  }
}

const COMPACT_AT = 256;
