import { SluiceError } from '../errors.js';

/** A host could not be connected to, again and again. */
export class SshConnectError extends SluiceError {
  override readonly name = 'SshConnectError';
  /** `ssh://user@host:port`. */
  readonly host: string;

  constructor(host: string, why: string, cause: unknown) {
    super('SERVICE_FAILED', `${host}: cannot connect: ${why}`, { cause });
    this.host = host;
  }
}

/** Whether a connection that was there has been lost: on the next one, the request may end otherwise. */
export function isLost(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'SERVICE_FAILED' && !(error instanceof SshConnectError);
}

/** The error of everything that was under way on a connection when it ended. */
export function connectionLost(name: string, cause?: unknown): SluiceError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new SluiceError('SERVICE_FAILED', `${name}: the connection was lost${why}`, { cause });
}

/** What a failure to connect or to log in means. Codes `SERVICE_FAILED`, `ACCESS_DENIED`, `NOT_FOUND`, `PROTOCOL`. */
export function connectFailure(name: string, error: unknown, notes: readonly string[]): SluiceError {
  if (error instanceof SluiceError) return error;
  const { level, code, message } = factsOf(error);
  if (level === 'client-authentication') {
    const tried =
      notes.length === 0 ? 'there is no key, no agent and no password to try' : `tried: ${notes.join('; ')}`;
    return new SluiceError('ACCESS_DENIED', `${name}: the server lets none of this in; ${tried}`, { cause: error });
  }
  if (level === 'handshake') return new SluiceError('PROTOCOL', `${name}: ${message}`, { cause: error });
  if (code === 'ENOTFOUND') {
    return new SluiceError('NOT_FOUND', `${name}: no host has this name: check it, or HostName in ~/.ssh/config`, {
      cause: error,
    });
  }
  return new SshConnectError(name, REASONS[code] ?? message, error);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens on that port, or a firewall refuses',
  ECONNRESET: 'the server closed the connection, as it does with too many at a time',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
};

function factsOf(error: unknown): { level: string; code: string; message: string } {
  const fields = error as { level?: unknown; code?: unknown; message?: unknown };
  return {
    level: typeof fields.level === 'string' ? fields.level : '',
    code: typeof fields.code === 'string' ? fields.code : '',
    message: typeof fields.message === 'string' ? fields.message : String(error),
  };
}
