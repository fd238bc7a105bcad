import type { StagingManager } from '../../data/staging-manager.js';
import { SluiceError } from '../../errors.js';
import { writeOut } from './write-out.js';

/** Prints a line for each file, as the listing comes. @throws {SluiceError} `NOT_FOUND` for a word that stands for nothing */
export async function listAll(
  staging: StagingManager,
  { urls, json, signal }: { readonly urls: readonly string[]; readonly json?: true; readonly signal: AbortSignal },
): Promise<void> {
  for (const text of urls) {
    let count = 0;
    for await (const { file, identity } of staging.list(text, signal)) {
      count += 1;
      const { size, tag } = identity;
      await writeOut(
        json === true ? JSON.stringify({ url: file.url, size, tag }) : `${String(size).padStart(14)}  ${file.url}`,
      );
    }
    if (count === 0) throw new SluiceError('NOT_FOUND', `there is nothing like ${text}`);
  }
}
