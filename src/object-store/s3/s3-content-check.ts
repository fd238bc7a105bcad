import { createHash } from 'node:crypto';
import { crc32 } from '../../checksums/crc32.js';
import type { Answer } from '../../http/answer.js';
import { type ContentCheck, checkFor, type RunningSum, runningCrc } from '../content-check.js';

/**
 * The check that the answer for a whole object allows: a checksum of all of it, or an entity tag that is its MD5; none where
 * there is neither.
 *
 * Source: "Checking object integrity", S3 User Guide. A tag is the MD5 of objects that were written in one request and are
 * encrypted with no key of their own ("Common Response Headers", Amazon S3 API Reference).
 */
export function contentCheckOf(answer: Answer): ContentCheck | undefined {
  if (answer.headers['x-amz-checksum-type'] !== 'COMPOSITE') {
    for (const { name, header, follow } of CHECKS) {
      const value = answer.headers[header];
      if (value !== undefined && !value.includes('-')) return checkFor(name, value, follow());
    }
  }
  const encryption = answer.headers['x-amz-server-side-encryption'] ?? 'AES256';
  const customerKey = answer.headers['x-amz-server-side-encryption-customer-algorithm'];
  const md5 = /^"([0-9a-f]{32})"$/.exec(answer.headers.etag ?? '')?.[1];
  if (md5 === undefined || encryption !== 'AES256' || customerKey !== undefined) return undefined;
  return checkFor('MD5', Buffer.from(md5, 'hex').toString('base64'), hashing('md5'));
}

// By cost. CRC32C and CRC64NVME are not here: Node has no code for them, and in JavaScript they take longer than the transfer.
const CHECKS: readonly { readonly name: string; readonly header: string; readonly follow: () => RunningSum }[] = [
  { name: 'CRC32', header: 'x-amz-checksum-crc32', follow: () => runningCrc(crc32) },
  { name: 'SHA1', header: 'x-amz-checksum-sha1', follow: () => hashing('sha1') },
  { name: 'SHA256', header: 'x-amz-checksum-sha256', follow: () => hashing('sha256') },
];

function hashing(algorithm: 'md5' | 'sha1' | 'sha256'): RunningSum {
  const hash = createHash(algorithm);
  return { update: (chunk) => void hash.update(chunk), value: () => hash.digest('base64') };
}
