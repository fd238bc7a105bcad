import { expect, test } from 'vitest';
import { crc32 } from '../../../src/checksums/crc32.js';

test('a text in pieces has the sum of the whole, whatever empty pieces lie between', () => {
  const bytes = Buffer.from('123456789');
  // The check value of the algorithm's catalogue entry (CRC-32/ISO-HDLC).
  expect(crc32(bytes)).toBe(0xcbf43926);
  const pieces = [bytes.subarray(0, 4), new Uint8Array(new ArrayBuffer(0)), bytes.subarray(4), Buffer.alloc(0)];
  expect(pieces.reduce((sum, piece) => crc32(piece, sum), 0)).toBe(0xcbf43926);
});
