import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { base64OfCrc32, combineCrcs } from '../../../src/checksums/combine-crcs.js';
import { crc32c } from '../../../src/checksums/crc32c.js';

test('is that of the standard', () => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
});

test('goes on, and is put together, to that of the whole', () => {
  const bytes = randomBytes(100_000);
  const whole = crc32c(bytes);
  for (const cuts of [[0], [1], [99_999], [100_000], [7, 8, 50_000], [0, 0, 3]]) {
    const ends = [...cuts, bytes.length];
    const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
    expect(pieces.reduce((sum, piece) => crc32c(piece, sum), 0)).toBe(whole);
    const parts = pieces.map((piece) => ({ value: base64OfCrc32(crc32c(piece)), size: piece.length }));
    expect(combineCrcs('CRC32C', parts)).toBe(base64OfCrc32(whole));
  }
});
