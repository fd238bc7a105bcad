import { SluiceError } from '../../errors.js';
import { shownUrl } from '../shown-url.js';

/** A file or a folder that rsync reaches. */
export interface RsyncPlace {
  /** What rsync takes as the place that {@link RsyncPlace.path} is below: a module, or the root of a host. */
  readonly root: string;
  /** Port of ssh, where it is by ssh and not the usual one. */
  readonly sshPort?: number;
  readonly isSsh: boolean;
  /** Below the root, without a `/` before it; of a folder it ends in one, or is empty. */
  readonly path: string;
}

/**
 * Reads `rsync://[user@]host[:port]/module/path`, of a daemon, and `rsync+ssh://[user@]host[:port]/path`.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, also for a password: it would travel wherever the URL does
 */
export function parseRsyncUrl(url: string): RsyncPlace {
  const { protocol, hostname, port, username, password, pathname } = new URL(url);
  if (password !== '')
    throw invalid(url, 'a password does not belong into the URL: set RSYNC_PASSWORD, or use ssh keys');
  const user = decoded(url, username);
  // They would be options to ssh, or end the name of the host.
  if (hostname === '' || hostname.startsWith('-') || /^-|[@:/]/.test(user)) {
    throw invalid(url, 'this names no host: write rsync://[user@]host/module/path, or rsync+ssh://[user@]host/path');
  }
  const account = user === '' ? '' : `${user}@`;
  const segments = pathname
    .slice(1)
    .split('/')
    .map((segment) => decoded(url, segment));
  const wrong = segments.slice(0, -1).find((segment) => /^\.{0,2}$/.test(segment)) ?? segments.find(isUnfit);
  if (wrong !== undefined) throw invalid(url, `no path has a part ${JSON.stringify(wrong)}`);
  if (protocol === 'rsync+ssh:') {
    const ssh = { isSsh: true, ...(port === '' ? {} : { sshPort: Number(port) }) };
    return { root: `${account}${hostname}:/`, path: segments.join('/'), ...ssh };
  }
  const [module = '', ...rest] = segments;
  if (module === '' || rest.length === 0)
    throw invalid(url, 'this names no file of a module: rsync://host/module/path');
  return { root: `rsync://${account}${hostname}${port && `:${port}`}/${module}/`, isSsh: false, path: rest.join('/') };
}

function isUnfit(segment: string): boolean {
  return segment === '.' || segment === '..' || /[/\0]/.test(segment);
}

function decoded(url: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(url, 'this is not percent-encoded: a % in a name is written %25');
  }
}

function invalid(url: string, why: string): SluiceError {
  return new SluiceError('INVALID_OPTIONS', `${shownUrl(url)}: ${why}`);
}
