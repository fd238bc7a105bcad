import { SluiceError } from '../../errors.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retrying } from '../../object-store/retry-policy.js';
import type { SftpSession } from '../../ssh/sftp-session.js';
import type { SshConnection } from '../../ssh/ssh-connection.js';
import { isLost } from '../../ssh/ssh-errors.js';
import type { FileIdentity } from '../staging.js';
import { untilAborted } from '../until-aborted.js';

/** What a request is about, and how long it is wanted. */
export interface RequestOptions {
  /** For messages: `read sftp://host/path`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  readonly policy?: RetryPolicy;
}

/** Runs requests on the connection's session, from the start again where the connection was lost meanwhile. */
export function requesting<T>(
  connection: SshConnection,
  { what, signal, policy = DEFAULT_RETRY_POLICY }: RequestOptions,
  use: (session: SftpSession) => Promise<T>,
): Promise<T> {
  return retrying((stop) => untilAborted(connection.withSftp(use), stop), {
    policy,
    isTransient: isLost,
    what,
    signal,
  });
}

/** The protocol tells no more of a content than when it was written, in seconds, and how long it is. */
export function identityOf({ mtime, size }: { readonly mtime: number; readonly size: number }): FileIdentity {
  return { tag: `${mtime}-${size}`, size };
}

/** Whether a server says that a file or a folder does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'NOT_FOUND';
}
