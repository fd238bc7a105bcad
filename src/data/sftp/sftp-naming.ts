import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { SftpSession } from '../../ssh/sftp-session.js';
import type { SshConnection } from '../../ssh/ssh-connection.js';
import type { FileIdentity } from '../staging.js';
import { newTemporaryName } from '../write-whole.js';
import { identityOf, isMissing, requesting } from './sftp-requests.js';

export interface Naming {
  readonly connection: SshConnection;
  readonly path: string;
  readonly temporaryPath: string;
  readonly what: string;
  readonly signal: AbortSignal;
}

/** Gives the temporary file its name. Where the answer is lost, looks whether the file has it already. */
export async function giveName(
  { connection, path, temporaryPath, what, signal }: Naming,
  identity: FileIdentity,
): Promise<void> {
  const aside = posix.join(posix.dirname(path), newTemporaryName());
  let wasAsked = false;
  await requesting(connection, { what, signal }, async (session) => {
    const mayBeDone = wasAsked;
    wasAsked = true;
    try {
      await session.replace(temporaryPath, path, aside);
    } catch (error) {
      if (mayBeDone && isMissing(error) && (await has(session, path, identity))) return;
      throw await explainName(session, path, { what, error });
    } finally {
      // Left there when the connection was lost between two steps.
      if (mayBeDone && !session.replacesAtOnce) await session.remove(aside).catch(() => undefined);
    }
  });
}

async function has(session: SftpSession, path: string, { tag }: FileIdentity): Promise<boolean> {
  return session.stat(path).then(
    (stats) => identityOf(stats).tag === tag,
    () => false,
  );
}

interface Refusal {
  readonly what: string;
  readonly error: unknown;
}

async function explainName(session: SftpSession, path: string, { what, error }: Refusal): Promise<unknown> {
  if (!(error instanceof SluiceError) || error.code !== 'TRANSFER_FAILED') return error;
  const found = await session.stat(path).catch(() => undefined);
  if (found?.kind !== 'folder') return error;
  return new SluiceError('INVALID_OPTIONS', `cannot ${what}: a folder has that name`, { cause: error });
}

/** Says that the disk is full where that is why a server refuses to write: the protocol has no answer of its own for it. */
export async function explainRefusal(session: SftpSession, folder: string, { what, error }: Refusal): Promise<unknown> {
  if (!(error instanceof SluiceError) || error.code !== 'TRANSFER_FAILED') return error;
  const free = await session.freeBytes(folder).catch(() => undefined);
  if (free === undefined || free > FULL_BYTES) return error;
  return new SluiceError('TRANSFER_FAILED', `cannot ${what}: the disk there is full`, { cause: error });
}

/** A disk with less than one request's bytes left is full. */
const FULL_BYTES = 256 * 1024;
