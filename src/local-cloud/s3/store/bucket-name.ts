import { S3Error } from '../s3-error.js';

/**
 * Refuses names that no general purpose bucket may have; what passes is also a safe folder name.
 * Source: "General purpose bucket naming rules", Amazon S3 User Guide.
 */
export function checkBucketName(name: string): void {
  const allowed =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) &&
    !RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix));
  if (allowed) return;
  throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', { details: { BucketName: name } });
}

const RESERVED_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-'];
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];
