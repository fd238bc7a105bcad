import { SluiceError } from '../../errors.js';

/** A member of an archive on this machine's disk. */
export interface ZipPlace {
  /** Absolute path of the archive. */
  readonly archive: string;
  /** Name in the archive, segments parted by `/`. Of a folder it ends in `/`, or is empty for the whole archive. */
  readonly member: string;
}

/**
 * Reads `zip:/path/archive.zip/name/inside`: the archive is the first segment of the path that ends in `.zip`.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, also for a host, since archives are files of this machine
 */
export function parseZipUrl(url: string): ZipPlace {
  const { host, username, pathname } = new URL(url);
  if (host !== '' || username !== '') {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `${url} names the host '${host}', but an archive is a file of this machine: write zip:/path/archive.zip/name, with one slash`,
    );
  }
  const [, archive, member] = /^(\/.*?\.zip)\/(.*)$/s.exec(pathname) ?? [];
  if (archive === undefined || member === undefined) {
    throw new SluiceError('INVALID_OPTIONS', `${url} names no archive: write zip:/path/archive.zip/name`);
  }
  const name = decoded(url, member);
  const problem = problemOf(name.replace(/\/$/, ''));
  if (name !== '' && problem !== undefined) throw new SluiceError('INVALID_OPTIONS', `${url}: ${problem}`);
  return { archive: decoded(url, archive), member: name };
}

/** URL of a member of the archive whose own URL, with a `/` at its end, is `root`. */
export function urlOfMember(root: string, name: string): string {
  return root + name.split('/').map(encodeURIComponent).join('/');
}

/** Why no file can be named so below a folder; `undefined` when one can. */
export function problemOf(name: string): string | undefined {
  if (name.includes('\0')) return 'no name has a null character in it';
  if (name.includes('\\'))
    return `${JSON.stringify(name)} has a backslash in it, which is a separator to some programs`;
  if (name.startsWith('/') || /^[a-z]:/i.test(name)) return `${JSON.stringify(name)} is an absolute path`;
  const wrong = name.split('/').find((segment) => /^\.{0,2}$/.test(segment));
  return wrong === undefined ? undefined : `${JSON.stringify(name)} has a segment ${JSON.stringify(wrong)}`;
}

function decoded(url: string, part: string): string {
  try {
    const text = decodeURIComponent(part);
    if (!text.includes('\0')) return text;
  } catch {
    throw new SluiceError('INVALID_OPTIONS', `${url} is not percent-encoded: a % in a name is written %25`);
  }
  throw new SluiceError('INVALID_OPTIONS', `${url}: no name has a null character in it`);
}
