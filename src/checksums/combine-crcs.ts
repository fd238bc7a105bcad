/** Checksums of a whole that can be had from those of its parts. */
export type CrcAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME';

/** Reflected polynomials and widths in bits. */
const CRCS: Readonly<Record<CrcAlgorithm, { readonly width: bigint; readonly polynomial: bigint }>> = {
  CRC32: { width: 32n, polynomial: 0xedb88320n },
  CRC32C: { width: 32n, polynomial: 0x82f63b78n },
  CRC64NVME: { width: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
};

/**
 * The CRC of a whole, from the base64 CRCs and sizes in bytes of its parts, without reading them again.
 *
 * CRC(A‖B) = CRC(A)·x^(8·|B|) + CRC(B) over GF(2) modulo the polynomial, as zlib's `crc32_combine` does.
 */
export function combineCrcs(
  algorithm: CrcAlgorithm,
  parts: readonly { readonly value: string; readonly size: number }[],
): string {
  const { width } = CRCS[algorithm];
  let sum = 0n;
  for (const part of parts) {
    const crc = BigInt(`0x${Buffer.from(part.value, 'base64').toString('hex')}`);
    sum = multiply(algorithm, sum, shiftOf(algorithm, part.size)) ^ crc;
  }
  return Buffer.from(sum.toString(16).padStart(Number(width / 4n), '0'), 'hex').toString('base64');
}

/** A CRC-32 as clouds write it: base64 of its four bytes, the highest first. */
export function base64OfCrc32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('base64');
}

/** x^(8·bytes) modulo the polynomial. */
function shiftOf(algorithm: CrcAlgorithm, bytes: number): bigint {
  const top = CRCS[algorithm].width - 1n;
  let result = 1n << top;
  let square = 1n << (top - 8n);
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(algorithm, result, square);
    square = multiply(algorithm, square, square);
  }
  return result;
}

function multiply(algorithm: CrcAlgorithm, left: bigint, right: bigint): bigint {
  const { width, polynomial } = CRCS[algorithm];
  let product = 0n;
  let shifted = right;
  for (let bit = width - 1n; bit >= 0n; bit--) {
    if ((left >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}
