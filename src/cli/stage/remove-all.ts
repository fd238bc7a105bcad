import { DataFile } from '../../data/data-file.js';
import { parseFilePattern } from '../../data/file-pattern.js';
import type { StagingManager } from '../../data/staging-manager.js';
import { findFiles } from './find-files.js';

/** Removes files, globs and, where `recursive`, folders. Single files need not be there. */
export async function removeAll(
  staging: StagingManager,
  {
    urls,
    recursive = false,
    signal,
  }: { readonly urls: readonly string[]; readonly recursive?: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const isFile = (text: string): boolean => parseFilePattern(text) instanceof DataFile;
  const files = urls.map(parseFilePattern).filter((one) => one instanceof DataFile);
  const others = urls.filter((text) => !isFile(text));
  for await (const { file } of findFiles(staging, others, { recursive, signal })) files.push(file);
  await staging.remove(files, signal);
}
