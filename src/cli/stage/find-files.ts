import { DataFile } from '../../data/data-file.js';
import { type FilePattern, parseFilePattern } from '../../data/file-pattern.js';
import type { ListedFile } from '../../data/staging.js';
import type { StagingManager } from '../../data/staging-manager.js';
import { SluiceError } from '../../errors.js';

/** A folder, a glob or a file of a command line, with what it stands for. */
export interface Found {
  readonly text: string;
  readonly pattern: FilePattern | DataFile;
  readonly files: readonly ListedFile[];
}

/**
 * What the words of a command line stand for.
 *
 * @throws {SluiceError} `NOT_FOUND` for one that stands for nothing; `INVALID_OPTIONS` for a folder where none may be
 */
export async function findFiles(
  staging: StagingManager,
  texts: readonly string[],
  { recursive, signal }: { readonly recursive: boolean; readonly signal: AbortSignal },
): Promise<readonly Found[]> {
  const all: Found[] = [];
  for (const text of texts) {
    const pattern = parseFilePattern(text);
    if (!(pattern instanceof DataFile || pattern.isGlob || recursive)) {
      throw new SluiceError('INVALID_OPTIONS', `${text} is a folder: add -r for all that is below it`);
    }
    const files: ListedFile[] = [];
    for await (const found of staging.list(text, signal)) files.push(found);
    if (files.length === 0) throw new SluiceError('NOT_FOUND', `there is nothing like ${text}`);
    all.push({ text, pattern, files });
  }
  return all;
}
