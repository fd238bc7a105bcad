import { createHash } from 'node:crypto';
import type { DataFile } from '../data-file.js';
import type { FileIdentity } from '../staging.js';

/** Tells contents apart, in hexadecimal: where the file is, and which of the contents it may have had there. */
export function contentKey({ url }: DataFile, { tag, size }: FileIdentity): string {
  const text = JSON.stringify([withoutPassword(url), tag, size]);
  return createHash('sha256').update(text).digest('hex').slice(0, KEY_DIGITS);
}

const KEY_DIGITS = 40;

// Whoever knows a password or another one is given the same file.
function withoutPassword(url: string): string {
  return url.replace(/^([^:/]+:\/\/[^/:@]*):[^/@]*@/, '$1@');
}
