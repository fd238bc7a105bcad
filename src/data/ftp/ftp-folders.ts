import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { FtpReplyError } from './ftp-errors.js';
import type { FtpSession } from './ftp-session.js';

/**
 * Creates a folder and those above it that do not exist.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when a file has the name of one of them, `ACCESS_DENIED`
 */
export async function makeFolders(session: FtpSession, path: string, what: string): Promise<void> {
  if (await session.isFolder(path)) return;
  const above = posix.dirname(path);
  if (above !== path) await makeFolders(session, above, what);
  try {
    await session.makeFolder(path);
  } catch (error) {
    // Somebody else may have created it just now.
    if (!(error instanceof FtpReplyError) || (await session.isFolder(path))) {
      if (error instanceof FtpReplyError) return;
      throw error;
    }
    const isFile = await session.facts(path).then(
      () => true,
      () => false,
    );
    const why = isFile ? 'a file has that name' : error.message;
    throw new SluiceError(
      isFile ? 'INVALID_OPTIONS' : 'ACCESS_DENIED',
      `cannot ${what}: cannot create the folder ${path}: ${why}`,
      {
        cause: error,
      },
    );
  }
}

/** What the refusal to store in a folder that is there means: servers say no more than that they will not. */
export function explainStore(what: string, error: unknown): unknown {
  if (!(error instanceof FtpReplyError) || error.code === 'SERVICE_FAILED') return error;
  const code =
    error.code === 'TRANSFER_FAILED' && error.reply >= 550 && error.reply !== 552 ? 'ACCESS_DENIED' : error.code;
  return new SluiceError(code, `cannot ${what}: ${error.message}`, { cause: error });
}
