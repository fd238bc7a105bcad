import { SluiceError } from '../../errors.js';
import { shownUrl } from '../shown-url.js';

/** What an answer says of where to go on. */
export interface Redirect {
  readonly from: URL;
  readonly status: number;
  readonly location: string | undefined;
  readonly method: string;
  /** What is done, and with which file: for errors. */
  readonly what: string;
}

/** Whether a status asks to go elsewhere. Source: RFC 9110, 15.4. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * The URL that a redirect leads to, without credentials of its own.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` where it may not be followed: from https to http, to another scheme, from a
 * file to a folder, from a write to a page that tells of it; `SERVICE_FAILED` when it leads nowhere
 */
export function nextHop({ from, status, location, method, what }: Redirect): URL {
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw new SluiceError('SERVICE_FAILED', `${what}: the server redirects (status ${status}), but not to a URL`);
  }
  const next = new URL(location, from);
  next.username = '';
  next.password = '';
  next.hash = '';
  const refuse = (why: string) =>
    new SluiceError('INVALID_OPTIONS', `${what}: the server redirects to ${shownUrl(next.href)}, ${why}`);
  if (next.protocol !== 'http:' && next.protocol !== 'https:') throw refuse('which is not HTTP');
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw refuse('where anybody on the way could change the file: name the http: URL itself if that is what you want');
  }
  if (next.origin === from.origin && next.pathname === `${from.pathname}/`) {
    throw refuse('so it is a folder there: name a file in it, or add the / to get its page');
  }
  if (status === 303 && method !== 'GET' && method !== 'HEAD')
    throw refuse('and does not say that anything was written');
  return next;
}
