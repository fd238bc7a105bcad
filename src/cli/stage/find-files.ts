import { DataFile } from '../../data/data-file.js';
import { type FilePattern, parseFilePattern } from '../../data/file-pattern.js';
import type { ListedFile } from '../../data/staging.js';
import type { StagingManager } from '../../data/staging-manager.js';
import { SluiceError } from '../../errors.js';

/** A file that a word of a command line stands for, alone or among others. */
export interface Found extends ListedFile {
  readonly pattern: FilePattern | DataFile;
}

export interface FindOptions {
  /** Whether folders may be meant, with all that is below them. */
  readonly recursive: boolean;
  readonly signal: AbortSignal;
}

/**
 * What the words of a command line stand for, as listings tell of it; nothing before it is known that each stands for something.
 *
 * @throws {SluiceError} `NOT_FOUND` for one that stands for nothing; `INVALID_OPTIONS` for a folder where none may be
 */
export async function* findFiles(
  staging: StagingManager,
  texts: readonly string[],
  { recursive, signal }: FindOptions,
): AsyncGenerator<Found, void, undefined> {
  const words = texts.map((text) => ({
    text,
    pattern: patternOf(text, recursive),
    files: staging.list(text, signal)[Symbol.asyncIterator](),
  }));
  const begun = [];
  for (const { text, ...word } of words) {
    const first = await word.files.next();
    if (first.done === true) throw new SluiceError('NOT_FOUND', `there is nothing like ${text}`);
    begun.push({ ...word, first });
  }
  for (const { pattern, files, first } of begun) {
    for (let next: IteratorResult<ListedFile> = first; next.done !== true; next = await files.next()) {
      yield { pattern, ...next.value };
    }
  }
}

function patternOf(text: string, recursive: boolean): FilePattern | DataFile {
  const pattern = parseFilePattern(text);
  if (pattern instanceof DataFile || pattern.isGlob || recursive) return pattern;
  throw new SluiceError('INVALID_OPTIONS', `${text} is a folder: add -r for all that is below it`);
}
