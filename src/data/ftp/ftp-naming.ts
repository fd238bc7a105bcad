import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { newTemporaryName } from '../write-whole.js';
import type { FtpFile } from './ftp-download.js';
import { FtpReplyError } from './ftp-errors.js';
import { explainStore } from './ftp-folders.js';
import { identityOf, type RequestOptions, requesting } from './ftp-requests.js';
import type { FtpFacts, FtpSession } from './ftp-session.js';

export interface Naming extends FtpFile {
  readonly temporaryPath: string;
  readonly what: string;
  readonly signal: AbortSignal;
}

/**
 * Gives the temporary file its name, replacing what has it: at once where the server's rename does, else in steps, with a
 * moment between in which nothing has the name. Where an answer is lost, looks whether the file has it already.
 */
export async function giveName({ pool, path, temporaryPath, what, signal }: Naming, facts: FtpFacts): Promise<void> {
  let wasAsked = false;
  await requesting(pool, { what, signal }, async (session) => {
    const mayBeDone = wasAsked;
    wasAsked = true;
    const refused = await session.rename(temporaryPath, path).catch((error: unknown) => error);
    if (refused === undefined) return;
    if (!(refused instanceof FtpReplyError) || refused.code === 'SERVICE_FAILED') throw refused;
    if (mayBeDone && (await has(session, path, facts))) return;
    if (await session.isFolder(path)) {
      throw new SluiceError('INVALID_OPTIONS', `cannot ${what}: a folder has that name`, { cause: refused });
    }
    await renameInSteps(session, { path, temporaryPath, what, refused });
  });
  if (SELDOM_KEPT.test(posix.basename(path))) await checkName({ pool, path }, { what, signal });
}

const SELDOM_KEPT = /^\s|\s$|\p{Cc}/u;

// Pure-FTPd puts an underscore in the place of a space at a name's end, and of a control character, and tells nobody.
async function checkName({ pool, path }: Pick<FtpFile, 'pool' | 'path'>, options: RequestOptions): Promise<void> {
  const name = posix.basename(path);
  const entries = await requesting(pool, options, (session) => session.entries(posix.dirname(path)));
  if (entries.some((entry) => entry.name === name)) return;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `cannot ${options.what}: the server has stored it under another name than ${JSON.stringify(name)}: use one of letters, digits, and . _ -`,
  );
}

async function has(session: FtpSession, path: string, facts: FtpFacts): Promise<boolean> {
  const found = await session.facts(path).catch(() => undefined);
  return found !== undefined && found.size === facts.size && identityOf(found).tag === identityOf(facts).tag;
}

interface Steps {
  readonly path: string;
  readonly temporaryPath: string;
  readonly what: string;
  readonly refused: FtpReplyError;
}

// The old file steps aside, and comes back if the new one cannot have its name.
async function renameInSteps(session: FtpSession, { path, temporaryPath, what, refused }: Steps): Promise<void> {
  const aside = posix.join(posix.dirname(path), newTemporaryName());
  await session.rename(path, aside).catch((error: unknown) => {
    throw error instanceof FtpReplyError ? explainStore(what, refused) : error;
  });
  try {
    await session.rename(temporaryPath, path);
  } catch (error) {
    await session.rename(aside, path);
    throw explainStore(what, error);
  }
  await session.remove(aside);
}
