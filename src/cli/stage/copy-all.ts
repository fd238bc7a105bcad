import { statSync } from 'node:fs';
import type { FileCopy } from '../../data/copy-files.js';
import { DataFile, holdsPlainKeys } from '../../data/data-file.js';
import { parseFilePattern } from '../../data/file-pattern.js';
import { childOf, relativeName } from '../../data/folder-transfer.js';
import { shownUrl } from '../../data/shown-url.js';
import type { StagingManager } from '../../data/staging-manager.js';
import { SluiceError } from '../../errors.js';
import { type Found, findFiles } from './find-files.js';
import { createTransferProgress, type TransferProgress } from './transfer-progress.js';

/** What is copied where. */
export interface CopyAllOptions {
  readonly sources: readonly string[];
  readonly target: string;
  readonly recursive?: boolean;
  readonly quiet?: boolean;
  readonly signal: AbortSignal;
}

type Pattern = Found['pattern'];

/** Copies files, globs and, where `recursive`, folders, and shows how far it is on stderr. */
export async function copyAll(staging: StagingManager, options: CopyAllOptions): Promise<void> {
  const { sources, recursive = false, quiet = false, signal } = options;
  const target = targetOf(options.target);
  const patterns = sources.map(parseFilePattern);
  const found = findFiles(staging, sources, { recursive, signal });
  const progress = quiet ? undefined : await createTransferProgress(process.stderr);
  const copies = copiesOf(found, { target, patterns, progress });
  try {
    await staging.copy(isApart(target, patterns) ? copies : await gathered(copies), {
      signal,
      onProgress: progress?.moved,
    });
  } finally {
    progress?.close();
  }
}

// As cp does: a folder that is there is gone into.
function targetOf(text: string): DataFile {
  const file = new DataFile(text);
  const isLocalFolder =
    file.scheme === 'file' && statSync(file.path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isLocalFolder && !file.isFolder ? new DataFile(`${file.url}/`) : file;
}

/** Whether what is copied cannot turn up among what is still to be found, as between a disk and an object store. */
function isApart({ scheme }: DataFile, patterns: readonly Pattern[]): boolean {
  const schemes = patterns.map((one) => (one instanceof DataFile ? one : one.folder).scheme);
  return (isDisk(scheme) && schemes.every(holdsPlainKeys)) || (holdsPlainKeys(scheme) && schemes.every(isDisk));
}

function isDisk(scheme: string): boolean {
  return scheme === 'file';
}

async function gathered<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

interface Placing {
  readonly target: DataFile;
  /** What the sources are. */
  readonly patterns: readonly Pattern[];
  readonly progress: TransferProgress | undefined;
}

/** @throws {SluiceError} `INVALID_OPTIONS` where two files would become one */
async function* copiesOf(
  found: AsyncIterable<Found>,
  { target, patterns, progress }: Placing,
): AsyncGenerator<FileCopy, void, undefined> {
  const isOneFile = patterns.length === 1 && patterns[0] instanceof DataFile;
  const sourceOf = new Map<string, string>();
  for await (const { pattern, file, identity } of found) {
    // After what the sources themselves may have against them.
    if (!(target.isFolder || isOneFile)) {
      throw new SluiceError(
        'INVALID_OPTIONS',
        `several files cannot become ${shownUrl(target.url)}: end the target in / for a folder`,
      );
    }
    const place = target.isFolder ? childOf(target, nameBelow(pattern, file)) : target;
    const other = sourceOf.get(place.url);
    if (other !== undefined && other !== file.url) {
      throw new SluiceError(
        'INVALID_OPTIONS',
        `${shownUrl(other)} and ${shownUrl(file.url)} would both become ${shownUrl(place.url)}`,
      );
    }
    sourceOf.set(place.url, file.url);
    progress?.found(identity.size);
    yield { source: file, identity, target: place };
  }
}

function nameBelow(pattern: Pattern, file: DataFile): string {
  return pattern instanceof DataFile ? file.filename : relativeName(pattern.folder, file);
}
