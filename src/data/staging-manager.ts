import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../errors.js';
import { runParallel } from '../object-store/run-parallel.js';
import { bringInput, type CopySource, lookUpIdentities, type WantedInput } from './bring-input.js';
import { findIdentities, listPattern, removeFiles } from './bulk-operations.js';
import type { CachedInputs } from './cache/cached-inputs.js';
import { copyFiles, type FileCopy } from './copy-files.js';
import { DataFile, type FileLike } from './data-file.js';
import { bringFolder, putFolder } from './folder-transfer.js';
import { localIdentity } from './local-file.js';
import { localName, shortHash } from './local-name.js';
import { LostInputs } from './lost-inputs.js';
import { providerOf } from './provider-of.js';
import { RecentIdentities } from './recent-identities.js';
import { shownUrl } from './shown-url.js';
import type { FileIdentity, ListedFile, StageOutSource, Staging, TransferOptions } from './staging.js';
import { isTemporary } from './temporary-name.js';
import { makeFolder } from './write-whole.js';

/** Where files really are for this worker, by the URL the app knows; others are where their URL says. */
export type Relayed = Readonly<Record<string, string>>;

export interface StageInOptions {
  /** The attempt's own folder: each input gets a subfolder. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly relayed?: Relayed | undefined;
  /** When the task came to its worker, by `performance.now()`: what its inputs are may be known since then. Default: now. */
  readonly receivedMs?: number | undefined;
  /** What the attempt has of its node's cache; absent where there is none. */
  readonly cached?: CachedInputs | undefined;
  /** Where else a file's content may be, by its URL; absent where only stores have it. */
  readonly elsewhere?: ((url: string) => CopySource | undefined) | undefined;
}

export interface StageOutOptions {
  readonly signal: AbortSignal;
  readonly relayed?: Relayed | undefined;
}

/** An output as its app was told to write it. */
export interface WrittenOutput {
  /** Where it belongs. */
  readonly url: string;
  /** Local path, from {@link StagingManager.outputPath}. */
  readonly path: string;
}

/** Moves a task's files, whatever their schemes: inputs before it runs, outputs afterwards. */
export interface StagingManager {
  /**
   * Brings every distinct file here, in parallel, and resolves with local paths by URL. Files of one name do not meet.
   * Rejects with the first failure once the other transfers have stopped; `NO_STAGING` before any has begun; `INPUT_LOST`
   * once all have ended, naming every `temp:` file that is gone.
   */
  stageIn(files: readonly DataFile[], options: StageInOptions): Promise<ReadonlyMap<string, string>>;
  /** Creates a folder for one output and gives the path the app writes to: never that of an input. */
  outputPath(url: string, directory: string): string;
  /**
   * Puts every output where it belongs, in parallel, and resolves with identities by URL. `MISSING_OUTPUT` when one was
   * not written, before any is moved. Rejects with the first failure once the other transfers have stopped.
   */
  stageOut(
    outputs: readonly WrittenOutput[],
    options: StageOutOptions,
  ): Promise<ReadonlyMap<string, FileIdentity | undefined>>;
  /**
   * The files that a folder, a glob or a file's name stands for: {@link parseFilePattern} says how they are written.
   * `INVALID_OPTIONS` where nothing can be listed.
   */
  list(pattern: FileLike, signal: AbortSignal): AsyncIterable<ListedFile>;
  /** Identities of those files that exist, by URL, in as few requests as their stores need. */
  identities(files: readonly FileLike[], signal: AbortSignal): Promise<ReadonlyMap<string, FileIdentity>>;
  /** Removes files; one that is not there counts as removed. `INVALID_OPTIONS` where nothing can be removed, before any is. */
  remove(files: readonly FileLike[], signal: AbortSignal): Promise<void>;
  /** Copies files of any schemes: {@link copyFiles}. */
  copy(copies: Iterable<FileCopy> | AsyncIterable<FileCopy>, options: TransferOptions): Promise<void>;
  close(): Promise<void>;
}

/**
 * A {@link StagingManager} over providers; the first that knows a file moves it.
 *
 * @param own move what is relayed, which is the run's own business. Default: the providers
 */
export function createStagingManager(
  providers: readonly Staging[],
  own: readonly Staging[] = providers,
): StagingManager {
  const moverOf = (url: string, relayed: Relayed | undefined, can: 'canStageIn' | 'canStageOut') => {
    const place = sourceOf(url, relayed);
    return { place, staging: providerOf(isRelayed(url, relayed) ? own : providers, place, can) };
  };
  const recent = new RecentIdentities();
  return {
    async stageIn(files, { directory, signal, receivedMs = performance.now(), relayed, cached, elsewhere }) {
      const distinct = new Map(files.map((file) => [file.url, file]));
      const inputs = [...distinct.values()].map((file) => {
        const { place, staging } = moverOf(file.url, relayed, 'canStageIn');
        return { file, source: place, staging };
      });
      const identities = cached && (await lookUpIdentities(inputs, { recent, receivedMs, signal }));
      const lost = new LostInputs();
      const paths = new Map<string, string>();
      await runParallel(inputs, { limit: PARALLEL_FILES, signal }, async (input, stop) => {
        const suggestedPath = placeFor(input.file, directory, 'in');
        const { url } = input.source;
        const identity = identities?.get(url);
        const onLook = (found: FileIdentity, askedMs: number) => recent.note(url, found, askedMs);
        const copies = elsewhere?.(input.file.url);
        const wanted = { ...input, identity, onLook, copies, asked: input.file.url, suggestedPath, signal: stop };
        const path = await lost.pathOf(input, bring(wanted, cached));
        if (path !== undefined) paths.set(input.file.url, path);
      });
      lost.throwIfAny();
      return paths;
    },
    outputPath(url, directory) {
      const file = new DataFile(url);
      const path = placeFor(file, directory, 'out');
      if (file.isFolder) makeFolder(path);
      return path;
    },
    async stageOut(outputs, { signal, relayed }) {
      const moves = outputs.map(({ url, path }) => {
        const { place, staging } = moverOf(url, relayed, 'canStageOut');
        return { url, path, target: place, staging };
      });
      assertNoneMissing(await runParallel(outputs, { limit: PARALLEL_FILES, signal }, missing));
      const done = await runParallel(moves, { limit: PARALLEL_FILES, signal }, async (move, stop) => {
        recent.forget(move.target.url);
        const source = { path: move.path, signal: stop, mayMove: isTemporary(move.url) };
        return [move.url, await put(move, source)] as const;
      });
      return new Map(done);
    },
    list: (pattern, signal) => listPattern(providers, pattern, signal),
    identities: (files, signal) => findIdentities(providers, files, signal),
    remove: (files, signal) => removeFiles(providers, files, signal),
    copy: (copies, options) => copyFiles(providers, copies, options),
    async close() {
      await Promise.all([...new Set([...providers, ...own])].map((provider) => provider.close()));
    },
  };
}

interface Move {
  readonly target: DataFile;
  readonly staging: Staging;
}

function bring(wanted: WantedInput, cached: CachedInputs | undefined): Promise<string> {
  const { source, staging, copies, asked, suggestedPath, signal } = wanted;
  const isFetched = source.isFolder && source.scheme !== 'file' && staging.isHere?.(source) !== true;
  const files = isFetched ? staging.list?.(source, signal) : undefined;
  // Also where a folder's URL is a file's as well, as with HTTP.
  if (files === undefined) return bringInput(wanted, cached);
  return bringFolder(source, files, {
    path: suggestedPath,
    signal,
    bring: ({ file: one, identity }, path, stop) =>
      bringInput(
        { file: one, source: one, staging, identity, copies, asked, suggestedPath: path, signal: stop },
        cached,
      ),
  });
}

function put({ staging, target }: Move, source: StageOutSource): Promise<FileIdentity | undefined> {
  return target.isFolder ? putFolder(staging, target, source) : staging.stageOut(target, source);
}

/** Files begun at a time; large ones are moved in parts, in parallel as well. Stores say how many requests are in flight. */
const PARALLEL_FILES = 16;

function isRelayed(url: string, relayed: Relayed = {}): boolean {
  return Object.hasOwn(relayed, url);
}

function sourceOf(url: string, relayed: Relayed = {}): DataFile {
  return new DataFile(isRelayed(url, relayed) ? (relayed[url] ?? url) : url);
}

interface Missing extends WrittenOutput {
  readonly cause: unknown;
}

async function missing(output: WrittenOutput): Promise<Missing | undefined> {
  try {
    if (!output.url.endsWith('/')) await localIdentity(output.path);
    else if ((await readdir(output.path)).length === 0) throw new Error('the folder is empty');
    return undefined;
  } catch (cause) {
    return { ...output, cause };
  }
}

function assertNoneMissing(looked: readonly (Missing | undefined)[]): void {
  const found = looked.filter((output) => output !== undefined);
  const [first] = found;
  if (first === undefined) return;
  const lines = found.map(
    ({ url, path, cause }) => `${shownUrl(url)}: should be the file ${path} (${messageOf(cause)})`,
  );
  const text =
    found.length === 1
      ? `the app ended well, but its output ${shownUrl(first.url)} is not there: it should have written the file ${first.path} (${messageOf(first.cause)})`
      : `the app ended well, but ${found.length} of its outputs are not there:\n${lines.join('\n')}`;
  throw new SluiceError('MISSING_OUTPUT', text, { cause: first.cause });
}

// Inputs and outputs lie apart, so that one file can be both, and an input is never taken for an output.
function placeFor(file: DataFile, directory: string, side: 'in' | 'out'): string {
  const folder = join(directory, side, shortHash(file.url));
  makeFolder(folder);
  return join(folder, localName(file));
}
