import { SluiceError } from '../../errors.js';
import { shownUrl } from '../shown-url.js';

/** Who is asked for a file, by whom, and for which. */
export interface FtpPlace {
  readonly host: string;
  /** Absent: the protocol's own. */
  readonly port: number | undefined;
  readonly isSecure: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Absolute, or relative to the folder that a login leads to. */
  readonly path: string;
}

/**
 * Reads `ftp[s]://[user[:password]@]host[:port]/path`. The path is relative to the login's folder, and absolute where it
 * begins with a further slash, `//` or `/%2F`. Source: RFC 1738, section 3.2.2.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function parseFtpUrl(url: string): FtpPlace {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  const shown = shownUrl(url);
  if (hostname === '' || pathname === '') {
    throw new SluiceError('INVALID_OPTIONS', `${shown} names no file: write ftp://[user@]host[:port]/path`);
  }
  const decoded = (part: string) => (part === '' ? undefined : decode(part, shown));
  return {
    host: decode(hostname.replace(/^\[(.*)\]$/, '$1'), shown),
    port: port === '' ? undefined : Number(port),
    isSecure: protocol === 'ftps:',
    user: decoded(username),
    password: decoded(password),
    path: decode(pathname.slice(1), shown),
  };
}

function decode(part: string, shown: string): string {
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw new SluiceError('INVALID_OPTIONS', `${shown} is not percent-encoded: a % in a name is written %25`);
  }
  // A line of the protocol is a command: what follows would be another one.
  if (/[\r\n\0]/.test(text)) {
    throw new SluiceError('INVALID_OPTIONS', `${shown}: the protocol has no names with line breaks in them`);
  }
  return text;
}
