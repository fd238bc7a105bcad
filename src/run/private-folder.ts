import { lstatSync } from 'node:fs';

/**
 * Whether a path is a folder to which this user alone can write: in one that all may write to, others may have made it first.
 * Throws as lstat(2) does, where there is nothing.
 */
export function isPrivateFolder(path: string): boolean {
  const found = lstatSync(path);
  const isOurs = process.geteuid === undefined || found.uid === process.geteuid();
  return found.isDirectory() && isOurs && (found.mode & WRITABLE_BY_OTHERS) === 0;
}

const WRITABLE_BY_OTHERS = 0o022;
