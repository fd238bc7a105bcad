import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  checksumHeader,
  isChecksumAlgorithm,
  isChecksumValue,
} from '../checksums/checksum.js';
import { notImplemented, S3Error } from '../s3-error.js';

/** What a request's headers say its body will be. */
export interface BodyExpectation {
  /** Size of the content in bytes, framing not counted. */
  readonly size: number;
  /** MD5, base64. */
  readonly contentMd5?: string;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string | 'in trailer' };
}

/** Reads the expectation. @throws {S3Error} when a header is malformed, or two contradict each other. */
export function parseBodyExpectation(headers: ReadonlyMap<string, string>): BodyExpectation {
  const contentMd5 = headers.get('content-md5');
  if (contentMd5 !== undefined && Buffer.from(contentMd5, 'base64').length !== 16) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified is not valid.');
  }
  const checksum = checksumInTrailer(headers) ?? checksumInHeader(headers);
  if (checksum === undefined && headers.has('x-amz-sdk-checksum-algorithm')) {
    const message =
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.';
    throw new S3Error('InvalidRequest', message);
  }
  return {
    size: sizeOf(headers),
    ...(contentMd5 !== undefined && { contentMd5 }),
    ...(checksum !== undefined && { checksum }),
  };
}

/** Largest object one request may carry: 5 GiB ("Amazon S3 multipart upload limits", User Guide). */
const LARGEST_BODY = 5 * 1024 ** 3;

function sizeOf(headers: ReadonlyMap<string, string>): number {
  const length = headers.get('x-amz-decoded-content-length') ?? headers.get('content-length');
  // A body of unknown length is one that came with Transfer-Encoding: chunked.
  if (length === undefined && !headers.has('transfer-encoding')) return 0;
  if (length === undefined || !/^\d{1,15}$/.test(length)) {
    throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(length) > LARGEST_BODY) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      details: { ProposedSize: length, MaxSizeAllowed: String(LARGEST_BODY) },
    });
  }
  return Number(length);
}

function checksumInHeader(headers: ReadonlyMap<string, string>): BodyExpectation['checksum'] {
  const names = [...headers.keys()].filter((name) => name.startsWith('x-amz-checksum-') && !SETTINGS.has(name));
  if (names.length > 1) {
    const message = 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.';
    throw new S3Error('InvalidRequest', message);
  }
  const [name] = names;
  if (name === undefined) return undefined;
  const algorithm = algorithmOfHeader(name);
  const value = headers.get(name) ?? '';
  if (!isChecksumValue(algorithm, value)) {
    throw new S3Error('InvalidRequest', `Value for ${name} header is invalid.`);
  }
  const named = headers.get('x-amz-sdk-checksum-algorithm')?.toUpperCase();
  if (named !== undefined && isChecksumAlgorithm(named) && named !== algorithm) {
    throw new S3Error('InvalidRequest', `x-amz-sdk-checksum-algorithm names ${named}, but the header is ${name}.`);
  }
  return { algorithm, value };
}

function checksumInTrailer(headers: ReadonlyMap<string, string>): BodyExpectation['checksum'] {
  const name = headers.get('x-amz-trailer')?.trim().toLowerCase();
  if (name === undefined) return undefined;
  if (!name.startsWith('x-amz-checksum-')) {
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
  }
  return { algorithm: algorithmOfHeader(name), value: 'in trailer' };
}

/** Headers that begin like a checksum and are none. */
const SETTINGS: ReadonlySet<string> = new Set([
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
]);

function algorithmOfHeader(name: string): ChecksumAlgorithm {
  const algorithm = CHECKSUM_ALGORITHMS.find((one) => checksumHeader(one) === name);
  if (algorithm === undefined) throw notImplemented(name);
  return algorithm;
}
