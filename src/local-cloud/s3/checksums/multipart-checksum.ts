import { combineCrcs } from '../../../checksums/combine-crcs.js';
import {
  type Checksum,
  type ChecksumAlgorithm,
  type ChecksumType,
  createChecksum,
  isFullObjectAlgorithm,
} from './checksum.js';

/**
 * The checksum of an object put together from parts, from theirs.
 *
 * `parts` hold base64 sums of `algorithm` and sizes in bytes, in order. SHA sums cannot be full-object.
 * Source: "Checking object integrity", Amazon S3 User Guide.
 */
export function multipartChecksum(
  { algorithm, type }: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType },
  parts: readonly { readonly value: string; readonly size: number }[],
): Checksum {
  if (type === 'FULL_OBJECT' && isFullObjectAlgorithm(algorithm)) {
    return { algorithm, type, value: combineCrcs(algorithm, parts) };
  }
  const sum = createChecksum(algorithm);
  for (const part of parts) sum.update(Buffer.from(part.value, 'base64'));
  return { algorithm, type: 'COMPOSITE', value: `${sum.digest().toString('base64')}-${parts.length}` };
}
