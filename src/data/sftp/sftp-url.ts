import { SluiceError } from '../../errors.js';
import type { SshAddress } from '../../ssh/ssh-address.js';
import { shownUrl } from '../shown-url.js';

/** A path on a host. */
export interface SftpPlace {
  readonly address: SshAddress;
  /** Absolute, or relative to the user's home there. */
  readonly path: string;
}

/**
 * Reads `sftp://[user@]host[:port]/absolute/path`, or `…/~/path` for one below the user's home, as curl does; the scheme
 * `scp` means the same.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, also for a password: it would travel wherever the URL does
 */
export function parseSftpUrl(url: string): SftpPlace {
  const { hostname, port, username, password, pathname } = new URL(url);
  if (password !== '') {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `${shownUrl(url)}: a password does not belong into the URL: use a key, an agent, or the option \`password\``,
    );
  }
  if (hostname === '' || pathname === '') {
    throw new SluiceError('INVALID_OPTIONS', `${url} names no file: write sftp://[user@]host[:port]/path`);
  }
  const path = decoded(url, pathname);
  return {
    address: {
      host: decoded(url, hostname.replace(/^\[(.*)\]$/, '$1')),
      ...(username === '' ? {} : { user: decoded(url, username) }),
      ...(port === '' ? {} : { port: Number(port) }),
    },
    path: path.startsWith('/~/') ? path.slice('/~/'.length) || '.' : path,
  };
}

function decoded(url: string, part: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw new SluiceError('INVALID_OPTIONS', `${url} is not percent-encoded: a % in a name is written %25`);
  }
  if (text.includes('\0')) throw new SluiceError('INVALID_OPTIONS', `${url}: no name has a null character in it`);
  return text;
}
