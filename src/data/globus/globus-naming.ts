import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { newTemporaryName } from '../write-whole.js';
import type { GlobusApi } from './globus-api.js';
import { isMissing } from './globus-files.js';
import type { GlobusPlace } from './globus-url.js';

export interface Naming {
  readonly place: GlobusPlace;
  readonly temporaryPath: string;
  readonly size: number;
  readonly what: string;
  readonly signal: AbortSignal;
  /** Removes a file, and waits until it is gone. */
  readonly remove: (path: string) => Promise<void>;
}

/**
 * Gives the temporary file its name, replacing what has it: at once where the collection's rename does, else in steps, with
 * a moment between in which nothing has the name, and the old file comes back if the new one cannot have it.
 */
export async function giveName(api: GlobusApi, naming: Naming): Promise<void> {
  const { place, temporaryPath, size, what, signal, remove } = naming;
  const { collection, path } = place;
  const rename = (from: string, to: string) => api.rename(collection, { from, to }, signal);
  const refused: unknown = await rename(temporaryPath, path).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refused === undefined) return;
  signal.throwIfAborted();
  const found = await api.stat(collection, path, signal).catch((error: unknown) => {
    throw isMissing(error) ? refused : error;
  });
  if (found.kind === 'folder') {
    throw new SluiceError('INVALID_OPTIONS', `cannot ${what}: a folder has that name`, { cause: refused });
  }
  // The answer to the first request may have been lost: then the file has its name.
  if (isMissing(refused) && found.size === size) return;
  const aside = posix.join(posix.dirname(path), newTemporaryName());
  await rename(path, aside).catch(() => {
    throw refused;
  });
  try {
    await rename(temporaryPath, path);
  } catch (error) {
    await rename(aside, path);
    throw error;
  }
  await remove(aside);
}
