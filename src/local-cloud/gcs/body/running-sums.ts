import { createHash, type Hash } from 'node:crypto';
import { crc32c } from '../../../checksums/crc32c.js';

/** Checksums of what has come so far, as Cloud Storage writes them. */
export interface Sums {
  /** Base64 of the big-endian CRC-32C. */
  readonly crc32c: string;
  /** Base64. */
  readonly md5Hash: string;
}

/** CRC-32C and MD5 that are fed in pieces. */
export class RunningSums {
  #crc32c = 0;
  #md5: Hash = createHash('md5');

  update(bytes: Uint8Array): void {
    this.#crc32c = crc32c(bytes, this.#crc32c);
    this.#md5.update(bytes);
  }

  /** The same sums, to be fed on their own. */
  fork(): RunningSums {
    const fork = new RunningSums();
    fork.#crc32c = this.#crc32c;
    fork.#md5 = this.#md5.copy();
    return fork;
  }

  /** The sums so far; more may follow. */
  get value(): Sums {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#crc32c);
    return { crc32c: bytes.toString('base64'), md5Hash: this.#md5.copy().digest('base64') };
  }
}
