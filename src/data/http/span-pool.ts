/** Bytes of a file from `start` on, up to but not including `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Shares the bytes of one file out among those who fetch them. One reads from the front on, as the first answer does;
 * the others take parts from the back, until both meet: so nothing is fetched twice, and the first one brings all of it
 * where nobody else gets anything.
 */
export class SpanPool {
  readonly #partBytes: number;
  #front: number;
  #back: number;
  #returned: Span[] = [];

  constructor(size: number, partBytes: number) {
    this.#partBytes = partBytes;
    this.#front = Math.min(size, partBytes);
    this.#back = size;
  }

  /** Where the one at the front has to stop, for now. */
  get frontEnd(): number {
    return this.#front;
  }

  /** Gives the one at the front another part, if there is one. Whether it got any. */
  extendFront(): boolean {
    if (this.#front === this.#back) return false;
    this.#front = Math.min(this.#back, this.#front + this.#partBytes);
    return true;
  }

  /** Takes a part: one that was given back, else the last one. */
  take(): Span | undefined {
    const returned = this.#returned.pop();
    if (returned !== undefined || this.#front === this.#back) return returned;
    const end = this.#back;
    this.#back = Math.max(this.#front, end - this.#partBytes);
    return { start: this.#back, end };
  }

  /** Gives back what could not be fetched; the one at the front may come to it as well. */
  giveBack(span: Span): void {
    if (span.start === span.end) return;
    this.#returned = [...this.#returned, span].sort((a, b) => a.start - b.start);
    for (let next = this.#returned[0]; next?.start === this.#back; next = this.#returned[0]) {
      this.#returned.shift();
      this.#back = next.end;
    }
  }
}
