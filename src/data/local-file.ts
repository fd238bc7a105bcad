import { stat } from 'node:fs/promises';
import { SluiceError } from '../errors.js';
import type { FileIdentity } from './staging.js';
import { localFailure } from './write-whole.js';

/** Identity of a local file: its time of modification in nanoseconds, and its size. `NOT_FOUND` names the path. */
export async function localIdentity(path: string): Promise<FileIdentity> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw localFailure(`read ${path}`, error);
  });
  if (found.isDirectory()) {
    throw new SluiceError('INVALID_OPTIONS', `${path} is a folder: name the files in it, or an archive of it`);
  }
  if (!found.isFile()) throw new SluiceError('INVALID_OPTIONS', `${path} is no regular file`);
  return { tag: `${found.mtimeNs}-${found.size}`, size: Number(found.size) };
}
