import { crc32 as zlibCrc32 } from 'node:zlib';

/** The CRC-32 of bytes that follow others, whose CRC-32 is `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  // Of no bytes at no address, zlib gives the sum that all begin with.
  return bytes.byteLength === 0 ? before : zlibCrc32(bytes, before);
}
