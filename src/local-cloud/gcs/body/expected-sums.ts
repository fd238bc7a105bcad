import { GcsError, invalidParameter } from '../gcs-error.js';
import type { Sums } from './running-sums.js';

/** Checksums that a client says its bytes have. */
export type ExpectedSums = Partial<Sums>;

/**
 * Reads `X-Goog-Hash: crc32c=…,md5=…` and `Content-MD5`.
 * Source: "HTTP headers and query string parameters for XML API", Cloud Storage. @throws {GcsError} `invalid`
 */
export function expectedInHeaders(headers: ReadonlyMap<string, string>): ExpectedSums {
  const expected: { crc32c?: string; md5Hash?: string } = {};
  const contentMd5 = headers.get('content-md5');
  if (contentMd5 !== undefined) expected.md5Hash = contentMd5;
  for (const pair of (headers.get('x-goog-hash') ?? '').split(',')) {
    const [name, value] = split(pair.trim());
    if (name === 'crc32c') expected.crc32c = value;
    if (name === 'md5') expected.md5Hash = value;
  }
  return checked(expected);
}

/** Checksums in an object resource. @throws {GcsError} `invalid` */
export function expectedInResource(resource: Readonly<Record<string, unknown>>): ExpectedSums {
  const text = (name: string) => (typeof resource[name] === 'string' ? { [name]: resource[name] } : {});
  return checked({ ...text('crc32c'), ...text('md5Hash') });
}

/** @throws {GcsError} `invalid`, as Cloud Storage says it, when the bytes were not what they should have been. */
export function checkSums(expected: ExpectedSums, actual: Sums): void {
  for (const [name, title] of [
    ['crc32c', 'CRC32C'],
    ['md5Hash', 'MD5 hash'],
  ] as const) {
    const wanted = expected[name];
    if (wanted === undefined || wanted === actual[name]) continue;
    const message = `Provided ${title} "${wanted}" doesn't match calculated ${title} "${actual[name]}".`;
    throw new GcsError('invalid', message, { xmlCode: 'BadDigest' });
  }
}

const BYTES = { crc32c: 4, md5Hash: 16 } as const;

function checked(expected: ExpectedSums): ExpectedSums {
  for (const name of ['crc32c', 'md5Hash'] as const) {
    const value = expected[name];
    if (value === undefined) continue;
    const bytes = Buffer.from(value, 'base64');
    if (bytes.length !== BYTES[name] || bytes.toString('base64') !== value) {
      throw invalidParameter(name, `Invalid value for: ${name}: '${value}' is not base64 of ${BYTES[name]} bytes`);
    }
  }
  return expected;
}

// Base64 has `=` in it.
function split(pair: string): [name: string, value: string] {
  const equals = pair.indexOf('=');
  return [pair.slice(0, equals), pair.slice(equals + 1)];
}
