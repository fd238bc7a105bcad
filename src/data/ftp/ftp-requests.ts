import { SluiceError } from '../../errors.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retrying } from '../../object-store/retry-policy.js';
import type { FileIdentity } from '../staging.js';
import { FtpReplyError, isTransient } from './ftp-errors.js';
import type { FtpPool } from './ftp-pool.js';
import type { FtpFacts, FtpSession } from './ftp-session.js';

/** What a request is about, and how long it is wanted. */
export interface RequestOptions {
  /** For messages: `read ftp://host/path`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  readonly policy?: RetryPolicy;
}

/** Runs commands on a connection of the pool, from the start again on another one when it is lost meanwhile. */
export function requesting<T>(
  pool: FtpPool,
  { what, signal, policy = DEFAULT_RETRY_POLICY }: RequestOptions,
  use: (session: FtpSession) => Promise<T>,
): Promise<T> {
  return retrying((stop) => pool.use(use, stop), { policy, isTransient, what, signal });
}

/** The protocol tells no more of a content than when it was written, in seconds, and how long it is. */
export function identityOf({ mtime, size }: FtpFacts): FileIdentity {
  return { tag: mtime === undefined ? '' : `${mtime}-${size}`, size };
}

/** The facts of a file, or an error that says why there are none. @throws {SluiceError} `NOT_FOUND`, `INVALID_OPTIONS` for a folder */
export async function factsOf(session: FtpSession, path: string, what: string): Promise<FtpFacts> {
  try {
    return await session.facts(path);
  } catch (error) {
    throw await explain(session, path, { what, error });
  }
}

/** `undefined` when there is no such file. */
export async function factsIfThere(session: FtpSession, path: string, what: string): Promise<FtpFacts | undefined> {
  try {
    return await factsOf(session, path, what);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

export interface Refusal {
  readonly what: string;
  readonly error: unknown;
}

/**
 * What the refusal of a command about an existing file is about, where the server's words do not tell: a folder, a file
 * that may not be read, or none at all.
 */
export async function explain(session: FtpSession, path: string, { what, error }: Refusal): Promise<unknown> {
  if (!(error instanceof FtpReplyError)) return error;
  const { code, message } = error;
  if (code !== 'TRANSFER_FAILED' && code !== 'NOT_FOUND' && code !== 'ACCESS_DENIED') return error;
  const because = (meaning: string, text: string) =>
    new SluiceError(meaning, `cannot ${what}: ${text} (${message})`, { cause: error });
  if (await session.isFolder(path)) {
    return because('INVALID_OPTIONS', 'it is a folder: name the files in it, or end the URL in /');
  }
  if (code === 'ACCESS_DENIED') return because(code, 'this user may not');
  if (code === 'TRANSFER_FAILED' && (await isThere(session, path))) {
    return because('ACCESS_DENIED', 'the file is there, and this user may not');
  }
  return because('NOT_FOUND', 'there is no such file, or none that this user may see');
}

async function isThere(session: FtpSession, path: string): Promise<boolean> {
  return session.facts(path).then(
    () => true,
    () => false,
  );
}
