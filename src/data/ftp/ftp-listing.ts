import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { runParallel } from '../../object-store/run-parallel.js';
import { DataFile } from '../data-file.js';
import type { ListedFile } from '../staging.js';
import { isTemporaryName } from '../write-whole.js';
import type { FtpFile } from './ftp-download.js';
import { explain, identityOf, requesting } from './ftp-requests.js';
import type { FtpEntry, FtpFacts } from './ftp-session.js';

/** What a listing starts from. */
export interface FtpFolder extends FtpFile {
  /** As the user wrote it, with a `/` at its end: what is below it has this before its own name. */
  readonly prefix: string;
}

/**
 * Files below a folder, at any depth, those that links lead to included; those that are just being written are not. A
 * server that lists for people only (no MLSD) is asked for the facts of each file.
 */
export async function* listFtpFolder(
  { pool, path, url, prefix }: FtpFolder,
  signal: AbortSignal,
): AsyncGenerator<ListedFile, void, undefined> {
  const what = `list ${url}`;
  const entries = await requesting(pool, { what, signal }, (session) =>
    session.entries(path).catch(async (error: unknown) => {
      throw await explainListing(error, () => explain(session, path, { what, error }));
    }),
  );
  const shown = entries.filter(({ name }) => !isTemporaryName(name));
  const facts = await runParallel(shown, { limit: pool.limit, signal }, (entry, stop) =>
    factsFor(entry, () =>
      requesting(pool, { what, signal: stop }, (session) => session.facts(posix.join(path, entry.name))),
    ),
  );
  for (const [index, { name, kind }] of shown.entries()) {
    signal.throwIfAborted();
    const below = prefix + encodeURIComponent(name);
    const found = facts[index];
    if (kind !== 'folder' && found !== undefined) yield { file: new DataFile(below), identity: identityOf(found) };
    if (kind !== 'folder') continue;
    yield* listFtpFolder({ pool, path: posix.join(path, name), url: `${url}${name}/`, prefix: `${below}/` }, signal);
  }
}

// It may be gone meanwhile, and a link may lead nowhere or to a folder.
async function factsFor({ kind, facts }: FtpEntry, ask: () => Promise<FtpFacts>): Promise<FtpFacts | undefined> {
  if (kind === 'folder' || (kind === 'file' && facts !== undefined)) return facts;
  try {
    return await ask();
  } catch (error) {
    if (error instanceof SluiceError && ['NOT_FOUND', 'ACCESS_DENIED', 'TRANSFER_FAILED'].includes(error.code))
      return undefined;
    throw error;
  }
}

async function explainListing(error: unknown, explained: () => Promise<unknown>): Promise<unknown> {
  const meaning = await explained();
  // To whom it is a folder, and who may not list it.
  const isFolder = meaning instanceof SluiceError && meaning.code === 'INVALID_OPTIONS';
  return isFolder ? error : meaning;
}
