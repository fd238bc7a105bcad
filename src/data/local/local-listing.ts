import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SluiceError } from '../../errors.js';
import { DataFile } from '../data-file.js';
import { localIdentity } from '../local-file.js';
import type { ListedFile } from '../staging.js';
import { isTemporaryName, localFailure } from '../write-whole.js';

/** Regular files below a folder, at any depth, symbolic links to them included; those that are just being written are not. */
export async function* listFolder(path: string, signal: AbortSignal): AsyncGenerator<ListedFile, void, undefined> {
  signal.throwIfAborted();
  const folder = await opendir(path).catch((error: unknown) => {
    throw localFailure(`list ${path}`, error);
  });
  for await (const entry of folder) {
    signal.throwIfAborted();
    const below = join(path, entry.name);
    if (entry.isDirectory()) yield* listFolder(below, signal);
    else if (entry.isFile() || entry.isSymbolicLink()) {
      const identity = isTemporaryName(entry.name) ? undefined : await identityOfFile(below);
      if (identity !== undefined) yield { file: new DataFile(pathToFileURL(below)), identity };
    }
  }
}

// It may be gone meanwhile, and a link may lead nowhere or to a folder.
async function identityOfFile(path: string): Promise<ListedFile['identity'] | undefined> {
  try {
    return await localIdentity(path);
  } catch (error) {
    if (error instanceof SluiceError && (error.code === 'NOT_FOUND' || error.code === 'INVALID_OPTIONS')) return;
    throw error;
  }
}
