import { createHash } from 'node:crypto';
import type { ByteRange } from '../../store/data-files.js';
import type { BodyFacts } from '../body/verified-body.js';
import { type ChecksumAlgorithm, createChecksum } from '../checksums/checksum.js';
import { checkCopyConditions } from '../conditions.js';
import { invalidArgument } from '../parameters.js';
import { notImplemented } from '../s3-error.js';
import type { S3Request } from '../s3-request.js';
import type { Bucket } from '../store/bucket.js';
import type { ObjectRecord } from '../store/object-record.js';
import type { S3Context } from './operation.js';

/** What a copy copies from. */
export interface CopySource {
  readonly bucket: Bucket;
  readonly record: ObjectRecord;
}

/** Finds the object `x-amz-copy-source` names, and holds the request's conditions against it. */
export function findCopySource(request: S3Request, { buckets }: S3Context): CopySource {
  const { bucket: name, key } = parseCopySource(request.headers.get('x-amz-copy-source') ?? '');
  const bucket = buckets.get(name);
  const record = bucket.get(key);
  checkCopyConditions(request.headers, record);
  return { bucket, record };
}

/** Yields the source's bytes, whole or a range, and returns what they came to. */
export async function* copiedBody(
  { bucket, record }: CopySource,
  algorithm: ChecksumAlgorithm,
  range?: ByteRange,
): AsyncGenerator<Uint8Array, BodyFacts> {
  const md5 = createHash('md5');
  const sum = createChecksum(algorithm);
  let size = 0;
  const held = bucket.data.hold(record.segments);
  try {
    for await (const chunk of held.read(range)) {
      md5.update(chunk);
      sum.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  } finally {
    await held.release();
  }
  return { size, md5: md5.digest('hex'), checksum: sum.digest().toString('base64') };
}

/** `bucket/key` or `/bucket/key`, percent-encoded; some clients encode the slash between them, too. */
function parseCopySource(header: string): { bucket: string; key: string } {
  if (/\?versionId=/.test(header)) throw notImplemented('versionId in x-amz-copy-source');
  if (header.startsWith('arn:')) throw notImplemented('an ARN as x-amz-copy-source');
  let decoded = '';
  try {
    decoded = decodeURIComponent(header);
  } catch {
    // Refused below.
  }
  const match = /^\/?([^/]+)\/(.+)$/s.exec(decoded);
  if (match === null) {
    throw invalidArgument(
      'x-amz-copy-source',
      header,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  }
  return { bucket: match[1] as string, key: match[2] as string };
}
