import { createHash } from 'node:crypto';
import type { DataFile } from '../data-file.js';
import type { FileIdentity } from '../staging.js';

/**
 * Tells contents apart, in hexadecimal: where the file is, and which of the contents it may have had there.
 *
 * @param place of its staging, where the URL alone does not say where it is
 */
export function contentKey({ url }: DataFile, { tag, size }: FileIdentity, place?: string): string {
  const text = JSON.stringify([withoutPassword(url), tag, size, ...(place === undefined ? [] : [place])]);
  return createHash('sha256').update(text).digest('hex').slice(0, KEY_DIGITS);
}

const KEY_DIGITS = 40;

// Whoever knows a password or another one is given the same file.
function withoutPassword(url: string): string {
  return url.replace(/^([^:/]+:\/\/[^/:@]*):[^/@]*@/, '$1@');
}
