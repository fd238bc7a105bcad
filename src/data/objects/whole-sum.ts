import { base64OfCrc32, type CrcAlgorithm } from '../../checksums/combine-crcs.js';
import { crc32 } from '../../checksums/crc32.js';
import { crc32c } from '../../checksums/crc32c.js';
import type { ObjectInfo } from '../../object-store/object-store.js';

/** A checksum of a whole object that can be had from those of its parts. */
export interface WholeSum {
  readonly algorithm: CrcAlgorithm;
  /** What it has to be, in base64. */
  readonly announced: string;
  /** The sum of bytes that follow others. */
  next(bytes: Uint8Array, before: number): number;
}

/** The cheapest that a store tells of; `undefined` where it tells none. */
export function wholeSumOf(info: ObjectInfo): WholeSum | undefined {
  if (info.crc32 !== undefined) return { algorithm: 'CRC32', announced: base64OfCrc32(info.crc32), next: crc32 };
  if (info.crc32c !== undefined) return { algorithm: 'CRC32C', announced: base64OfCrc32(info.crc32c), next: crc32c };
  return undefined;
}
