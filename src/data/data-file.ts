import { fileURLToPath, pathToFileURL } from 'node:url';
import { SluiceError } from '../errors.js';
import { shownUrl } from './shown-url.js';

/** Anything that names a file: a URL, a bare path (resolved against the client's cwd), or a DataFile. */
export type FileLike = string | URL | DataFile;

/**
 * A file by its URL, wherever it lives: Parsl's `File` (that name belongs to the web platform).
 *
 * On a worker, `path` and `String(file)` are the local copy that staging made; on the client `path` exists for
 * `file:` URLs only.
 */
export class DataFile {
  /**
   * Absolute URL. Object stores' keys stand in it as they are, as `aws s3` writes them: `s3://bucket/a b%2Fc.txt` is
   * the key `a b%2Fc.txt`. All other schemes are percent-encoded as URLs are.
   */
  readonly url: string;
  #localPath: string | undefined;

  /** @throws {SluiceError} `INVALID_OPTIONS` when the text is no URL and no path. */
  constructor(source: FileLike) {
    this.url = source instanceof DataFile ? source.url : urlOf(source);
  }

  /** Scheme without the colon: `file`, `s3`. */
  get scheme(): string {
    return this.url.slice(0, this.url.indexOf(':'));
  }

  /**
   * Last segment of the path or key, decoded where the scheme is percent-encoded: `b.txt` of `s3://bucket/a/b.txt`, and
   * `a` of the folder `s3://bucket/a/`.
   */
  get filename(): string {
    if (OBJECT_SCHEMES.has(this.scheme)) return lastSegment(this.url);
    return decode(lastSegment(new URL(this.url).pathname));
  }

  /** Whether the URL ends in `/`: all files below it, at any depth. */
  get isFolder(): boolean {
    return this.url.endsWith('/') && !WEB_QUERY.test(this.url);
  }

  /** @throws {SluiceError} `FILE_NOT_REACHABLE` when there is no local copy here. */
  get path(): string {
    if (this.#localPath === undefined && this.scheme === 'file') this.#localPath = fileURLToPath(this.url);
    if (this.#localPath !== undefined) return this.#localPath;
    throw new SluiceError(
      'FILE_NOT_REACHABLE',
      `${shownUrl(this.url)} has no local copy here: pass the file to an app, which reads its .path on the worker`,
    );
  }

  /** A DataFile of the same URL whose `path` is `localPath`. Called by staging, on the worker. */
  at(localPath: string): DataFile {
    const copy = new DataFile(this);
    copy.#localPath = localPath;
    return copy;
  }

  /** Gives this object its local copy in place. Called by staging, on the worker. @internal */
  settleAt(localPath: string): void {
    this.#localPath = localPath;
  }

  toString(): string {
    return this.#localPath ?? (this.scheme === 'file' ? this.path : this.url);
  }

  toJSON(): string {
    return this.url;
  }
}

/** A {@link DataFile} of a URL, a path, or another DataFile. */
export function file(source: FileLike): DataFile {
  return new DataFile(source);
}

/** Bucket and key of an object store's URL. @throws {SluiceError} `INVALID_OPTIONS` when either is missing. */
export function parseObjectUrl(url: string): { bucket: string; key: string } {
  const match = /^[a-z0-9]+:\/\/([^/]+)\/(.+)$/s.exec(url);
  if (match === null) throw new SluiceError('INVALID_OPTIONS', `${url} does not name an object: write s3://bucket/key`);
  return { bucket: match[1] as string, key: match[2] as string };
}

/** Bucket and prefix of a folder in an object store: `s3://bucket/a/`, or `s3://bucket/` for all of it. @throws {SluiceError} `INVALID_OPTIONS` */
export function parseObjectFolder(url: string): { bucket: string; prefix: string } {
  const match = /^[a-z0-9]+:\/\/([^/]+)\/(|.*\/)$/s.exec(url);
  if (match === null)
    throw new SluiceError('INVALID_OPTIONS', `${url} does not name a folder: write s3://bucket/folder/`);
  return { bucket: match[1] as string, prefix: match[2] as string };
}

/** Whether URLs of a scheme hold keys as they are, where those of others are percent-encoded. */
export function holdsPlainKeys(scheme: string): boolean {
  return OBJECT_SCHEMES.has(scheme);
}

const WEB_QUERY = /^https?:[^?]*\?/;
const OBJECT_SCHEMES: ReadonlySet<string> = new Set(['s3', 'gs']);
const SCHEME = /^([a-z][a-z0-9+.-]+):/i;

function urlOf(source: string | URL): string {
  if (source instanceof URL)
    return OBJECT_SCHEMES.has(source.protocol.slice(0, -1)) ? decode(source.href) : source.href;
  if (source === '') throw new SluiceError('INVALID_OPTIONS', 'a file needs a URL or a path, not an empty string');
  const scheme = SCHEME.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined) return pathToFileURL(source).href;
  if (OBJECT_SCHEMES.has(scheme)) return scheme + source.slice(scheme.length);
  if (URL.canParse(source)) return new URL(source).href;
  throw new SluiceError('INVALID_OPTIONS', `${JSON.stringify(shownUrl(source))} is neither a URL nor a path`);
}

function lastSegment(path: string): string {
  const end = path.endsWith('/') ? path.length - 1 : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
