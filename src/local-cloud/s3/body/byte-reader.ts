import { S3Error } from '../s3-error.js';

/** Pulls lines and runs of bytes out of a stream of chunks, holding one chunk at a time. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The text up to the next line feed, without CR and LF. A line longer than `limit` bytes is refused. */
  async line(limit: number): Promise<string> {
    const pieces: Buffer[] = [];
    for (let length = 0; length <= limit; ) {
      const end = this.#held.indexOf(LINE_FEED);
      const piece = Buffer.from(end === -1 ? this.#held : this.#held.subarray(0, end));
      pieces.push(piece);
      length += piece.length;
      if (end !== -1) {
        this.#held = this.#held.subarray(end + 1);
        return Buffer.concat(pieces).toString('latin1').replace(/\r$/, '');
      }
      await this.#refill();
    }
    throw new S3Error('InvalidRequest', 'The chunked body has a line that is too long.');
  }

  /** Exactly `size` bytes, as they come. */
  async *bytes(size: number): AsyncGenerator<Uint8Array, void> {
    for (let rest = size; rest > 0; ) {
      if (this.#held.length === 0) await this.#refill();
      const piece = this.#held.subarray(0, rest);
      this.#held = this.#held.subarray(piece.length);
      rest -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }

  /** Whether the stream has ended, and nothing of it is held. */
  async ended(): Promise<boolean> {
    while (this.#held.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return true;
      this.#held = next.value;
    }
    return false;
  }

  async #refill(): Promise<void> {
    const next = await this.#source.next();
    if (next.done === true) throw new S3Error('IncompleteBody', 'The request body terminated unexpectedly');
    this.#held = next.value;
  }
}

const LINE_FEED = 0x0a;
