import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SluiceError } from '../errors.js';
import { runParallel } from '../object-store/run-parallel.js';
import { DataFile, holdsPlainKeys } from './data-file.js';
import { listFolder } from './local/local-listing.js';
import { shownUrl } from './shown-url.js';
import type { FileIdentity, ListedFile, StageOutSource, Staging } from './staging.js';

/** Files of one folder in flight at a time. */
const PARALLEL_FILES = 8;

/** How the files of a folder are brought. */
export interface FolderTarget {
  /** Where the folder is to be. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Brings one of its files to a path that is free. */
  readonly bring: (found: ListedFile, path: string, signal: AbortSignal) => Promise<unknown>;
}

/** Brings every file below a folder to the same place below `path`, and resolves with `path`. */
export async function bringFolder(
  folder: DataFile,
  files: AsyncIterable<ListedFile>,
  { path, signal, bring }: FolderTarget,
): Promise<string> {
  const found: ListedFile[] = [];
  for await (const listed of files) found.push(listed);
  const places = placesOf(folder, found);
  if (found.length === 0)
    throw new SluiceError('NOT_FOUND', `read ${shownUrl(folder.url)}: there is no file below this folder`);
  await mkdir(path, { recursive: true });
  await runParallel(found, { limit: PARALLEL_FILES, signal }, async (listed, stop) => {
    const place = join(path, ...(places.get(listed) as readonly string[]));
    await mkdir(join(place, '..'), { recursive: true });
    await bring(listed, place, stop);
  });
  return path;
}

/** Puts every file below the local folder `path` to the same place below `folder`. Each appears whole; the folder does not at once. */
export async function putFolder(
  staging: Staging,
  folder: DataFile,
  { path, signal, mayMove }: Omit<StageOutSource, 'onProgress'>,
): Promise<FileIdentity> {
  const root = pathToFileURL(join(path, '/')).href;
  const found: DataFile[] = [];
  for await (const { file } of listFolder(path, signal)) found.push(file);
  const parts = await runParallel(found, { limit: PARALLEL_FILES, signal }, async (file, stop) => {
    const name = decodeURIComponent(file.url.slice(root.length));
    const identity = await staging.stageOut(childOf(folder, name), {
      path: file.path,
      signal: stop,
      ...(mayMove !== undefined && { mayMove }),
    });
    return { name, identity };
  });
  return identityOfParts(parts);
}

/** The file at a relative path below a folder. @throws {SluiceError} `INVALID_OPTIONS` when the name would lead elsewhere */
export function childOf(folder: DataFile, name: string): DataFile {
  if (holdsPlainKeys(folder.scheme)) return new DataFile(folder.url + name);
  const segments = name.split('/');
  if (!segments.every(isPathSegment)) {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `nothing below ${shownUrl(folder.url)} can be named ${JSON.stringify(name)}`,
    );
  }
  return new DataFile(folder.url + segments.map(encodeURIComponent).join('/'));
}

/** Where a file lies below its folder, as it is written there: decoded where the scheme is percent-encoded. */
export function relativeName(folder: DataFile, { url, scheme }: DataFile): string {
  const rest = url.slice(folder.url.length);
  return holdsPlainKeys(scheme) ? rest : decodeURIComponent(rest);
}

// Keys of object stores may be what no path can: they must neither leave the folder nor meet each other.
function placesOf(folder: DataFile, found: readonly ListedFile[]): ReadonlyMap<ListedFile, readonly string[]> {
  const places = new Map<ListedFile, readonly string[]>();
  const files = new Set(found.map(({ file }) => relativeName(folder, file)));
  for (const listed of found) {
    const name = relativeName(folder, listed.file);
    const segments = name.split('/');
    if (!segments.every(isPathSegment)) {
      throw unfit(listed.file, `no path below a folder can be named ${JSON.stringify(name)}`);
    }
    for (let end = 1; end < segments.length; end++) {
      const above = segments.slice(0, end).join('/');
      if (files.has(above)) throw unfit(listed.file, `${JSON.stringify(above)} is a file as well as a folder`);
    }
    places.set(listed, segments);
  }
  return places;
}

function isPathSegment(segment: string): boolean {
  return !/^\.{0,2}$/.test(segment) && !segment.includes('\0');
}

function unfit({ url }: DataFile, why: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `${shownUrl(url)} cannot be brought as part of its folder: ${why}; name the files one by one`,
  );
}

function identityOfParts(
  parts: readonly { readonly name: string; readonly identity: FileIdentity | undefined }[],
): FileIdentity {
  const hash = createHash('sha256');
  let size = 0;
  for (const { name, identity } of [...parts].sort((left, right) => (left.name < right.name ? -1 : 1))) {
    hash.update(JSON.stringify([name, identity?.tag, identity?.size]));
    size += identity?.size ?? 0;
  }
  return { tag: hash.digest('hex'), size };
}
