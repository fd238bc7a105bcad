import { GcsError } from '../gcs-error.js';

/**
 * Refuses names that no bucket may have; what passes is also a safe folder name.
 * Source: "About Cloud Storage buckets", section "Bucket name requirements".
 */
export function checkBucketName(name: string): void {
  const parts = name.split('.');
  const allowed =
    /^[a-z0-9][a-z0-9._-]+[a-z0-9]$/.test(name) &&
    name.length <= (parts.length > 1 ? LONGEST_DOTTED_NAME : LONGEST_PART) &&
    parts.every((part) => part.length > 0 && part.length <= LONGEST_PART) &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !name.startsWith('goog') &&
    !/g[o0][o0]g[l1]e/.test(name);
  if (!allowed) {
    throw new GcsError('invalid', `Invalid bucket name: '${name}'`, { xmlCode: 'InvalidBucketName' });
  }
}

/**
 * Refuses names that no object may have.
 * Source: "About Cloud Storage objects", section "Object name requirements".
 */
export function checkObjectName(name: string): void {
  const size = Buffer.byteLength(name);
  if (size === 0) throw new GcsError('required', 'Required');
  if (size > LONGEST_OBJECT_NAME) {
    const message = `The maximum object length is ${LONGEST_OBJECT_NAME} characters, but got a name with ${size} characters: '${name.slice(0, 100)}...'`;
    throw new GcsError('invalid', message, { xmlCode: 'KeyTooLongError' });
  }
  const forbidden = /[\r\n]/.test(name) || name === '.' || name === '..' || name.startsWith(ACME_CHALLENGES);
  if (forbidden || /\p{Surrogate}/u.test(name)) {
    throw new GcsError('invalid', `Disallowed object name: ${JSON.stringify(name)}`, { xmlCode: 'InvalidObjectName' });
  }
}

const LONGEST_PART = 63;
const LONGEST_DOTTED_NAME = 222;
/** In bytes of UTF-8. */
const LONGEST_OBJECT_NAME = 1_024;
const ACME_CHALLENGES = '.well-known/acme-challenge/';
