import { wordAt } from '../../../checksums/word-at.js';

/** CRC-64/NVME (NVM Express base specification, 64b CRC), reflected; held in two halves, as numbers have 53 bits. */
const POLYNOMIAL_HIGH = 0x9a6c9329;
const POLYNOMIAL_LOW = 0xac4bc9b5;
const HIGH = new Int32Array(8 * 256);
const LOW = new Int32Array(8 * 256);
fillTables();

/** A CRC-64/NVME that is fed in pieces. */
export class Crc64Nvme {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    let at = 0;
    for (; at + 8 <= bytes.length; at += 8) {
      const a = low ^ wordAt(bytes, at);
      const b = high ^ wordAt(bytes, at + 4);
      const i0 = 1792 | (a & 0xff);
      const i1 = 1536 | ((a >>> 8) & 0xff);
      const i2 = 1280 | ((a >>> 16) & 0xff);
      const i3 = 1024 | (a >>> 24);
      const i4 = 768 | (b & 0xff);
      const i5 = 512 | ((b >>> 8) & 0xff);
      const i6 = 256 | ((b >>> 16) & 0xff);
      const i7 = b >>> 24;
      high = fold(HIGH, i0, i1, i2, i3) ^ fold(HIGH, i4, i5, i6, i7);
      low = fold(LOW, i0, i1, i2, i3) ^ fold(LOW, i4, i5, i6, i7);
    }
    for (; at < bytes.length; at++) {
      const index = (low ^ (bytes[at] as number)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (LOW[index] as number);
      high = (high >>> 8) ^ (HIGH[index] as number);
    }
    this.#high = high;
    this.#low = low;
  }

  /** The sum so far, eight bytes, big-endian. */
  digest(): Buffer {
    const sum = Buffer.alloc(8);
    sum.writeInt32BE(~this.#high, 0);
    sum.writeInt32BE(~this.#low, 4);
    return sum;
  }
}

function fold(table: Int32Array, i: number, j: number, k: number, l: number): number {
  return (table[i] as number) ^ (table[j] as number) ^ (table[k] as number) ^ (table[l] as number);
}

function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let high = 0;
    let low = byte;
    for (let bit = 0; bit < 8; bit++) {
      const carry = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (carry === 1) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    HIGH[byte] = high;
    LOW[byte] = low;
  }
  for (let index = 256; index < HIGH.length; index++) {
    const [high, low] = [HIGH[index - 256] as number, LOW[index - 256] as number];
    HIGH[index] = (high >>> 8) ^ (HIGH[low & 0xff] as number);
    LOW[index] = ((low >>> 8) | (high << 24)) ^ (LOW[low & 0xff] as number);
  }
}
