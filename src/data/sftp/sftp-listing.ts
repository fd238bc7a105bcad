import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { runParallel } from '../../object-store/run-parallel.js';
import type { RemoteEntry, RemoteStats, SftpSession } from '../../ssh/sftp-session.js';
import type { SshConnection } from '../../ssh/ssh-connection.js';
import { DataFile } from '../data-file.js';
import type { ListedFile } from '../staging.js';
import { isTemporaryName } from '../write-whole.js';
import { identityOf, requesting } from './sftp-requests.js';

export interface ListedFolder {
  readonly connection: SshConnection;
  readonly path: string;
  /** Ends in `/`: what is below it has its URL before its own name. */
  readonly url: string;
}

/** Regular files below a folder, at any depth, symbolic links to them included; those that are just being written are not. */
export async function* listRemoteFolder(
  { connection, path, url }: ListedFolder,
  signal: AbortSignal,
): AsyncGenerator<ListedFile, void, undefined> {
  const found = await requesting(connection, { what: `list ${url}`, signal }, (session) => contentsOf(session, path));
  for (const { name, stats } of found) {
    signal.throwIfAborted();
    const below = url + encodeURIComponent(name);
    if (stats.kind === 'file') yield { file: new DataFile(below), identity: identityOf(stats) };
    if (stats.kind !== 'folder') continue;
    yield* listRemoteFolder({ connection, path: posix.join(path, name), url: `${below}/` }, signal);
  }
}

const PARALLEL_LINKS = 16;

async function contentsOf(session: SftpSession, path: string): Promise<readonly RemoteEntry[]> {
  const entries: RemoteEntry[] = [];
  for await (const page of session.entries(path)) {
    entries.push(...page.filter(({ name }) => !isTemporaryName(name)));
  }
  const strange = entries.find(({ name }) => name === '' || name.includes('/'));
  if (strange !== undefined) {
    throw new SluiceError('PROTOCOL', `list ${path}: the server names an entry ${JSON.stringify(strange.name)}`);
  }
  const links = entries.filter(({ stats }) => stats.kind === 'link');
  const targets = await runParallel(links, { limit: PARALLEL_LINKS }, async ({ name }) =>
    targetOf(session, posix.join(path, name)),
  );
  const followed = new Map(links.map(({ name }, index) => [name, targets[index]]));
  return entries.flatMap(({ name, stats }) => {
    const target = stats.kind === 'link' ? followed.get(name) : stats;
    return target === undefined ? [] : [{ name, stats: target }];
  });
}

// A link may lead nowhere, or to a folder, perhaps one above: only files are followed.
async function targetOf(session: SftpSession, path: string): Promise<RemoteStats | undefined> {
  try {
    const stats = await session.stat(path);
    return stats.kind === 'file' ? stats : undefined;
  } catch (error) {
    if (error instanceof SluiceError && ['NOT_FOUND', 'ACCESS_DENIED', 'TRANSFER_FAILED'].includes(error.code))
      return undefined;
    throw error;
  }
}
