import { createHash } from 'node:crypto';
import { base64OfCrc32 } from '../../checksums/combine-crcs.js';
import { crc32 } from '../../checksums/crc32.js';
import type { Answer } from './s3-answer.js';
import { headerOf } from './s3-wire.js';

/** Follows the bytes of an object, to tell whether they are those that the service keeps. */
export interface ContentCheck {
  update(chunk: Uint8Array): void;
  /** What is wrong with the bytes that came, in words; `undefined` when they are right. */
  complaint(): string | undefined;
}

/**
 * The check that the answer for a whole object allows: a checksum of all of it, or an entity tag that is its MD5; none where
 * there is neither.
 *
 * Source: "Checking object integrity", S3 User Guide. A tag is the MD5 of objects that were written in one request and are
 * encrypted with no key of their own ("Common Response Headers", Amazon S3 API Reference).
 */
export function contentCheckOf(answer: Answer): ContentCheck | undefined {
  if (headerOf(answer, 'x-amz-checksum-type') !== 'COMPOSITE') {
    for (const [name, follow] of Object.entries(CHECKS)) {
      const value = headerOf(answer, `x-amz-checksum-${name}`);
      if (value !== undefined && !value.includes('-')) return checkFor(name.toUpperCase(), value, follow());
    }
  }
  const encryption = headerOf(answer, 'x-amz-server-side-encryption') ?? 'AES256';
  const customerKey = headerOf(answer, 'x-amz-server-side-encryption-customer-algorithm');
  const md5 = /^"([0-9a-f]{32})"$/.exec(headerOf(answer, 'etag') ?? '')?.[1];
  if (md5 === undefined || encryption !== 'AES256' || customerKey !== undefined) return undefined;
  return checkFor('MD5', Buffer.from(md5, 'hex').toString('base64'), hashing('md5'));
}

interface Following {
  update(chunk: Uint8Array): void;
  /** Base64. */
  value(): string;
}

// By cost. CRC32C and CRC64NVME are not here: Node has no code for them, and in JavaScript they take longer than the transfer.
const CHECKS: Readonly<Record<string, () => Following>> = {
  crc32: () => {
    let sum = 0;
    return {
      update: (chunk) => {
        sum = crc32(chunk, sum);
      },
      value: () => base64OfCrc32(sum),
    };
  },
  sha1: () => hashing('sha1'),
  sha256: () => hashing('sha256'),
};

function hashing(algorithm: 'md5' | 'sha1' | 'sha256'): Following {
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), value: () => hash.digest('base64') };
}

function checkFor(name: string, announced: string, following: Following): ContentCheck {
  return {
    update: following.update,
    complaint() {
      const found = following.value();
      return found === announced ? undefined : `its ${name} is ${found}, the service announced ${announced}`;
    },
  };
}
