import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { SftpSession } from '../../ssh/sftp-session.js';
import { isMissing } from './sftp-requests.js';

/**
 * Creates a folder and those above it that do not exist.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when a file has the name of one of them, `ACCESS_DENIED`
 */
export async function makeFolders(session: SftpSession, path: string): Promise<void> {
  try {
    await makeFolder(session, path);
  } catch (error) {
    const above = posix.dirname(path);
    if (!isMissing(error) || above === path) throw error;
    await makeFolders(session, above);
    await makeFolder(session, path);
  }
}

async function makeFolder(session: SftpSession, path: string): Promise<void> {
  const refused = await session.makeFolder(path).catch((error: unknown) => error);
  if (refused === undefined || isMissing(refused)) {
    if (refused !== undefined) throw refused;
    return;
  }
  // A name that is taken is answered as any other failure; somebody else may have created the folder just now.
  const found = await session.stat(path).catch(() => {
    throw refused;
  });
  if (found.kind === 'folder') return;
  throw new SluiceError('INVALID_OPTIONS', `cannot create the folder ${path}: a file has that name`, {
    cause: refused,
  });
}
