import { SluiceError } from '../../errors.js';

/** A path on a collection. */
export interface GlobusPlace {
  /** UUID of the collection. */
  readonly collection: string;
  /** Absolute on the collection, or `/~/…` for what is below the user's home there. */
  readonly path: string;
}

/** Reads `globus://<uuid of the collection>/path`. @throws {SluiceError} `INVALID_OPTIONS` */
export function parseGlobusUrl(url: string): GlobusPlace {
  const { hostname, pathname } = new URL(url);
  if (!UUID.test(hostname) || pathname === '') {
    throw new SluiceError('INVALID_OPTIONS', `${url} names no file: write globus://<uuid of the collection>/path`);
  }
  return { collection: hostname.toLowerCase(), path: decoded(url, pathname) };
}

/** What Globus's ids are made of. */
export const UUID: RegExp = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function decoded(url: string, pathname: string): string {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    throw new SluiceError('INVALID_OPTIONS', `${url} is not percent-encoded: a % in a name is written %25`);
  }
  // Source: Globus Transfer API, "File Operations", "Path Encoding".
  if (/[\0\r\n]/.test(path)) {
    throw new SluiceError('INVALID_OPTIONS', `${url}: Globus has no names with line breaks in them`);
  }
  return path;
}
