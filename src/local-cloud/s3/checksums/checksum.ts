import { createHash } from 'node:crypto';
import type { CrcAlgorithm } from '../../../checksums/combine-crcs.js';
import { crc32 } from '../../../checksums/crc32.js';
import { crc32c } from '../../../checksums/crc32c.js';
import { Crc64Nvme } from './crc64-nvme.js';

/** Algorithms whose sums of parts combine to that of the whole. */
export type FullObjectAlgorithm = CrcAlgorithm;

export type ChecksumAlgorithm = FullObjectAlgorithm | 'SHA1' | 'SHA256';

/** Whether the sum is over the object's bytes, or over the sums of its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as S3 stores and returns it. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; a composite one ends with `-<number of parts>`. */
  readonly value: string;
  readonly type: ChecksumType;
}

/** A sum that is fed in pieces. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

/** Length of each algorithm's sum, in bytes. */
const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = Object.keys(DIGEST_BYTES) as ChecksumAlgorithm[];

/** `x-amz-checksum-crc32` of `CRC32`. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Name of the element that carries the sum in XML documents: `ChecksumCRC32`. */
export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

export function isChecksumAlgorithm(text: string): text is ChecksumAlgorithm {
  return Object.hasOwn(DIGEST_BYTES, text);
}

export function isFullObjectAlgorithm(algorithm: ChecksumAlgorithm): algorithm is FullObjectAlgorithm {
  return algorithm.startsWith('CRC');
}

/** Whether the text is base64 of a sum of this algorithm. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === DIGEST_BYTES[algorithm] && bytes.toString('base64') === text;
}

export function createChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return createCrc(crc32);
    case 'CRC32C':
      return createCrc(crc32c);
    case 'CRC64NVME':
      return new Crc64Nvme();
    case 'SHA1':
      return createHash('sha1');
    case 'SHA256':
      return createHash('sha256');
  }
}

function createCrc(next: (bytes: Uint8Array, previous: number) => number): RunningChecksum {
  let sum = 0;
  return {
    update: (bytes) => {
      sum = next(bytes, sum);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(sum);
      return bytes;
    },
  };
}
