import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { DataFile } from './data-file.js';

/** Bytes a file name may have. Source: limits.h(0P), NAME_MAX on Linux file systems. */
const LONGEST_NAME_BYTES = 255;

/**
 * A name for the file's local copy: its own where a file system can take it. Never leaves the folder it is joined to.
 */
export function localName(file: DataFile): string {
  const name = file.filename.slice(file.filename.lastIndexOf('/') + 1).replaceAll('\0', '');
  if (name === '' || name === '.' || name === '..') return 'file';
  if (Buffer.byteLength(name) <= LONGEST_NAME_BYTES) return name;
  const extension = extname(name);
  return shortHash(name) + (Buffer.byteLength(extension) <= 32 ? extension : '');
}

/** Sixteen hexadecimal digits that tell texts apart: for the names of folders and keys. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
