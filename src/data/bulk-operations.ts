import { SluiceError } from '../errors.js';
import { runParallel } from '../object-store/run-parallel.js';
import { DataFile, type FileLike } from './data-file.js';
import { parseFilePattern } from './file-pattern.js';
import { relativeName } from './folder-transfer.js';
import { providerOf } from './provider-of.js';
import type { FileIdentity, ListedFile, Staging } from './staging.js';

/** Requests about single files in flight at a time. */
const PARALLEL_REQUESTS = 16;

/** The files that a folder, a glob or a file's name stands for. */
export async function* listPattern(
  providers: readonly Staging[],
  source: FileLike,
  signal: AbortSignal,
): AsyncGenerator<ListedFile, void, undefined> {
  const pattern = parseFilePattern(source);
  const file = pattern instanceof DataFile ? pattern : pattern.folder;
  const staging = providerOf(providers, file, 'canStageIn');
  if (pattern instanceof DataFile || (!pattern.isGlob && staging.list === undefined)) {
    // Where nothing is listed, a name that ends in `/` can be a file's, as with HTTP.
    const identity = await staging.identity(file, signal);
    if (identity !== undefined) yield { file, identity };
    return;
  }
  if (staging.list === undefined) throw cannot(staging, 'list', file.url);
  for await (const found of staging.list(file, signal, pattern.startsWith)) {
    if (pattern.matches(relativeName(file, found.file))) yield found;
  }
}

/** Identities of those that exist, by URL. */
export async function findIdentities(
  providers: readonly Staging[],
  files: readonly FileLike[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FileIdentity>> {
  const found = new Map<string, FileIdentity>();
  for (const [staging, some] of byProvider(providers, files, 'canStageIn')) {
    if (staging.identities !== undefined) {
      for (const [url, identity] of await staging.identities(some, signal)) found.set(url, identity);
      continue;
    }
    await runParallel(some, { limit: PARALLEL_REQUESTS, signal }, async (file, stop) => {
      const identity = await staging.identity(file, stop);
      if (identity !== undefined) found.set(file.url, identity);
    });
  }
  return found;
}

/** Removes files of any schemes. */
export async function removeFiles(
  providers: readonly Staging[],
  files: readonly FileLike[],
  signal: AbortSignal,
): Promise<void> {
  const groups = byProvider(providers, files, 'canStageOut');
  for (const [staging, [first]] of groups) {
    if (staging.remove === undefined) throw cannot(staging, 'remove', first?.url ?? '');
  }
  for (const [staging, some] of groups) await staging.remove?.(some, signal);
}

function byProvider(
  providers: readonly Staging[],
  files: readonly FileLike[],
  can: 'canStageIn' | 'canStageOut',
): ReadonlyMap<Staging, readonly DataFile[]> {
  const groups = new Map<Staging, DataFile[]>();
  for (const file of files.map((one) => new DataFile(one))) {
    const staging = providerOf(providers, file, can);
    const group = groups.get(staging) ?? [];
    groups.set(staging, group);
    group.push(file);
  }
  return groups;
}

function cannot(staging: Staging, what: string, url: string): SluiceError {
  return new SluiceError('INVALID_OPTIONS', `cannot ${what} ${url}: ${staging.name} does not ${what} files`);
}
