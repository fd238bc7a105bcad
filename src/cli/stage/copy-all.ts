import { statSync } from 'node:fs';
import type { FileCopy } from '../../data/copy-files.js';
import { DataFile } from '../../data/data-file.js';
import { childOf, relativeName } from '../../data/folder-transfer.js';
import { shownUrl } from '../../data/shown-url.js';
import type { StagingManager } from '../../data/staging-manager.js';
import { SluiceError } from '../../errors.js';
import { type Found, findFiles } from './find-files.js';
import { createTransferProgress } from './transfer-progress.js';

/** What is copied where. */
export interface CopyAllOptions {
  readonly sources: readonly string[];
  readonly target: string;
  readonly recursive?: boolean;
  readonly quiet?: boolean;
  readonly signal: AbortSignal;
}

/** Copies files, globs and, where `recursive`, folders, and shows how far it is on stderr. */
export async function copyAll(staging: StagingManager, options: CopyAllOptions): Promise<void> {
  const { sources, recursive = false, quiet = false, signal } = options;
  const target = targetOf(options.target);
  const found = await findFiles(staging, sources, { recursive, signal });
  const copies = found.flatMap((one) => copiesOf(one, target));
  assertTargetHolds(found, copies, target);
  const bytes = copies.reduce((sum, { identity }) => sum + (identity?.size ?? 0), 0);
  const progress = quiet ? undefined : createTransferProgress(process.stderr, { files: copies.length, bytes });
  try {
    await staging.copy(copies, { signal, onProgress: progress?.moved });
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

function copiesOf({ pattern, files }: Found, target: DataFile): readonly FileCopy[] {
  return files.map(({ file, identity }) => {
    if (!target.isFolder) return { source: file, identity, target };
    const name = pattern instanceof DataFile ? file.filename : relativeName(pattern.folder, file);
    return { source: file, identity, target: childOf(target, name) };
  });
}

function assertTargetHolds(found: readonly Found[], copies: readonly FileCopy[], target: DataFile): void {
  const isOneFile = found.length === 1 && found[0]?.pattern instanceof DataFile;
  if (!target.isFolder && !isOneFile) {
    throw new SluiceError(
      'INVALID_OPTIONS',
      `several files cannot become ${shownUrl(target.url)}: end the target in / for a folder`,
    );
  }
  const bySource = new Map<string, string>();
  for (const { source, target: place } of copies) {
    const other = bySource.get(place.url);
    if (other !== undefined && other !== source.url) {
      throw new SluiceError(
        'INVALID_OPTIONS',
        `${shownUrl(other)} and ${shownUrl(source.url)} would both become ${shownUrl(place.url)}`,
      );
    }
    bySource.set(place.url, source.url);
  }
}
