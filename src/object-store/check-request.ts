import { SluiceError } from '../errors.js';
import type { ByteRange } from './object-store.js';

/** Longest key, in bytes of UTF-8. Sources: "Naming Amazon S3 objects", S3 User Guide; "Object names", Cloud Storage. */
export const LONGEST_KEY_BYTES = 1_024;

/**
 * Refuses a key that no object can have, before a server gets to misread it.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`; `what` begins the message, as in `write s3://bucket`.
 */
export function checkKey(what: string, key: string): void {
  if (key === '') throw new SluiceError('INVALID_OPTIONS', `${what}: an object needs a key, not an empty text`);
  if (LONE_SURROGATE.test(key)) {
    const text = `${what}: the key ${JSON.stringify(key)} is no Unicode text: half of a pair of surrogates stands alone`;
    throw new SluiceError('INVALID_OPTIONS', text);
  }
  const size = Buffer.byteLength(key);
  if (size <= LONGEST_KEY_BYTES) return;
  const text = `${what}: a key has at most ${LONGEST_KEY_BYTES} bytes, this one has ${size}: ${key.slice(0, 60)}…`;
  throw new SluiceError('INVALID_OPTIONS', text);
}

/**
 * Refuses a range that is none: servers answer it with the whole object, as RFC 9110 has them ignore what they cannot
 * parse.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function checkRange(what: string, range: ByteRange | undefined): void {
  if (range === undefined) return;
  const { start, end } = range;
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end) return;
  throw new SluiceError('INVALID_OPTIONS', `${what}: ${start} to ${end} is no range of bytes`);
}

const LONE_SURROGATE = /\p{Surrogate}/u;
