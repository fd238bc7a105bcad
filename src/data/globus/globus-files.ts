import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { FileIdentity } from '../staging.js';
import type { GlobusApi, GlobusEntry } from './globus-api.js';
import type { GlobusPlace } from './globus-url.js';

/** Collections tell no more of a content than when it was written, in seconds, and how long it is. */
export function identityOf({ modified, size }: GlobusEntry): FileIdentity {
  return { tag: modified === undefined ? '' : `${modified}-${size}`, size };
}

/** What a collection says of a file. @throws {SluiceError} `NOT_FOUND`, `INVALID_OPTIONS` for a folder */
export async function statFile(
  api: GlobusApi,
  { collection, path }: GlobusPlace,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal | undefined },
): Promise<GlobusEntry> {
  const found = await api.stat(collection, path, signal);
  if (found.kind === 'file') return found;
  const kind = found.kind === 'folder' ? 'a folder: name the files in it, or end the URL in /' : 'no regular file';
  throw new SluiceError('INVALID_OPTIONS', `cannot ${what}: it is ${kind}`);
}

/** Makes sure that a folder is there, and tells whether its files can be given other names. */
export async function openFolder(
  api: GlobusApi,
  { collection, path }: GlobusPlace,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return (await api.list(collection, path, { limit: 1 }, signal)).canRename;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  await makeFolders(api, { collection, path }, signal);
  return (await api.list(collection, path, { limit: 1 }, signal)).canRename;
}

async function makeFolders(api: GlobusApi, { collection, path }: GlobusPlace, signal: AbortSignal): Promise<void> {
  try {
    await api.makeFolder(collection, path, signal);
  } catch (error) {
    const above = posix.dirname(path);
    if (isMissing(error) && above !== path) {
      await makeFolders(api, { collection, path: above }, signal);
      await api.makeFolder(collection, path, signal);
      return;
    }
    // Somebody else may have created it just now, or the answer to a first request was lost.
    const found = await api.stat(collection, path, signal).catch(() => undefined);
    if (found?.kind === 'folder') return;
    if (found === undefined) throw error;
    throw new SluiceError(
      'INVALID_OPTIONS',
      `cannot create the folder globus://${collection}${path}: a file has that name`,
    );
  }
}

/** Whether Globus says that a file or a folder does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'NOT_FOUND';
}
