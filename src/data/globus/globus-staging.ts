import { stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import { DataFile } from '../data-file.js';
import { localIdentity } from '../local-file.js';
import type { FileIdentity, ListedFile, StageInTarget, StageOutSource, Staging } from '../staging.js';
import { isTemporaryName, localFailure, newTemporaryName } from '../write-whole.js';
import { createGlobusApi, type GlobusApi } from './globus-api.js';
import { identityOf, isMissing, openFolder, statFile } from './globus-files.js';
import { giveName } from './globus-naming.js';
import {
  type GlobusStagingOptions,
  type ResolvedGlobusStagingOptions,
  resolveGlobusStagingOptions,
} from './globus-staging-options.js';
import { createGlobusTransfers, type GlobusTransfers } from './globus-transfers.js';
import { type GlobusPlace, parseGlobusUrl } from './globus-url.js';
import { freePlace, settle, share, unshare } from './own-folder.js';
import { watchTask } from './watch-task.js';

/**
 * Staging of `globus:` URLs, by transfer tasks between their collection and the one that has the worker's own disk.
 *
 * @param options default: those of the environment, `SLUICE_GLOBUS_OPTIONS`
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createGlobusStaging(options?: GlobusStagingOptions): Staging {
  const resolved = resolveGlobusStagingOptions(options);
  const api = createGlobusApi(resolved);
  const parts: Parts = { api, transfers: createGlobusTransfers(api, resolved), options: resolved };
  const isOurs = ({ scheme }: DataFile) => scheme === 'globus';
  return {
    name: 'globus',
    schemes: ['globus'],
    capabilities: { stageOut: true, list: true, remove: true, identity: 'time' },
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, target) {
      await bringFile(parts, file, target);
      return target.suggestedPath;
    },
    stageOut: (file, source) => putFile(parts, file, source),
    async identity(file, signal) {
      try {
        return identityOf(await statFile(api, parseGlobusUrl(file.url), { what: `look at ${file.url}`, signal }));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    list: (folder, signal) => listFolder(api, parseGlobusUrl(folder.url), folder.url, signal),
    async remove(files, signal) {
      const paths = new Map<string, string[]>();
      for (const { url } of files) {
        const { collection, path } = parseGlobusUrl(url);
        paths.set(collection, [...(paths.get(collection) ?? []), path]);
      }
      for (const [collection, some] of paths) await removePaths(parts, { collection, paths: some }, signal);
    },
    close: () => parts.transfers.close(),
  };
}

interface Parts {
  readonly api: GlobusApi;
  readonly transfers: GlobusTransfers;
  readonly options: ResolvedGlobusStagingOptions;
}

async function bringFile({ api, transfers, options }: Parts, { url }: DataFile, target: StageInTarget): Promise<void> {
  const { suggestedPath, signal, identity, onProgress } = target;
  const what = `read ${url}`;
  const place = parseGlobusUrl(url);
  const own = options.own();
  signal.throwIfAborted();
  const before = await statFile(api, place, { what, signal });
  const { tag, size } = identityOf(before);
  if (identity !== undefined && (identity.tag !== tag || identity.size !== size)) {
    throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: it is not the file any more that was asked for`);
  }
  const passage = await freePlace(own);
  const told = toldOnce(size, onProgress);
  try {
    await transfers.move({
      source: place.collection,
      destination: own.endpointId,
      from: place.path,
      to: passage.remotePath,
      what,
      signal,
      onBytes: told.soFar,
      abandon: () => unshare(passage),
    });
    const arrived = await stat(passage.path).catch((error: unknown) => {
      throw missingPassage(what, own.localPath, error);
    });
    if (arrived.size !== size) {
      throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: ${arrived.size} bytes arrived of ${size}`);
    }
    const after = await statFile(api, place, { what, signal });
    if (identityOf(after).tag !== tag || after.size !== size) {
      throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: the file changed while it was being read`);
    }
    await settle(passage, suggestedPath);
    told.all();
  } finally {
    await unshare(passage);
  }
}

function missingPassage(what: string, localPath: string, error: unknown): unknown {
  const failure = localFailure(`read what Globus has brought to ${localPath}`, error);
  if (!isMissing(failure)) return failure;
  return new SluiceError(
    'INVALID_OPTIONS',
    `cannot ${what}: Globus has brought the file, and it is not below ${localPath}: are endpointPath and localPath one folder?`,
    { cause: error },
  );
}

async function putFile(parts: Parts, { url }: DataFile, source: StageOutSource): Promise<FileIdentity> {
  const { api, transfers, options } = parts;
  const { path, signal, onProgress } = source;
  const what = `write ${url}`;
  const place = parseGlobusUrl(url);
  const own = options.own();
  signal.throwIfAborted();
  const before = await localIdentity(path);
  const folder = posix.dirname(place.path);
  const canRename = await openFolder(api, { ...place, path: folder }, signal);
  // Where nothing can be renamed, as in object stores, files appear whole by themselves.
  const target = canRename ? posix.join(folder, newTemporaryName()) : place.path;
  const remove = (one: string) => removePaths(parts, { collection: place.collection, paths: [one] }, signal);
  const shared = await share(own, path);
  const told = toldOnce(before.size, onProgress);
  try {
    await transfers.move({
      source: own.endpointId,
      destination: place.collection,
      from: shared.remotePath,
      to: target,
      what,
      signal,
      onBytes: told.soFar,
      abandon: () => cleanUp(parts, place, target),
    });
    const arrived = await statFile(api, { ...place, path: target }, { what, signal });
    if (arrived.size !== before.size) {
      throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: ${arrived.size} bytes arrived of ${before.size}`);
    }
    if ((await localIdentity(path)).tag !== before.tag) {
      throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being read: it is still being written`);
    }
    if (canRename) await giveName(api, { place, temporaryPath: target, size: before.size, what, signal, remove });
    told.all();
    return identityOf(arrived);
  } catch (error) {
    // A transfer that was given up cleans up itself, once nothing is written any more.
    if (canRename && !signal.aborted) await cleanUp(parts, place, target);
    throw error;
  } finally {
    await unshare(shared);
  }
}

const CLEAN_UP_MS = 30_000;

/** Removes what has arrived of a file. Where Globus cannot be asked any more, the first error says so; lists leave it out. */
async function cleanUp(parts: Parts, { collection }: GlobusPlace, path: string): Promise<void> {
  await removePaths(parts, { collection, paths: [path] }, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
}

async function removePaths(
  { api, options }: Parts,
  { collection, paths }: { readonly collection: string; readonly paths: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const { deadlineMs, pollMs } = options;
  const submissionId = await api.submissionId(signal);
  const id = await api.remove({ submissionId, collection, paths }, signal);
  await watchTask(api, id, { what: `remove files of globus://${collection}`, signal, deadlineMs, pollMs });
}

/** Regular files below a folder, at any depth; those that are just being written are not. */
async function* listFolder(
  api: GlobusApi,
  { collection, path }: GlobusPlace,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<ListedFile, void, undefined> {
  for (let offset = 0; ; ) {
    const { entries, hasMore } = await api.list(collection, path, { offset }, signal);
    for (const entry of entries) {
      signal.throwIfAborted();
      const below = url + encodeURIComponent(entry.name);
      if (entry.kind === 'folder') {
        yield* listFolder(api, { collection, path: posix.join(path, entry.name) }, `${below}/`, signal);
      } else if (entry.kind === 'file' && !isTemporaryName(entry.name)) {
        yield { file: new DataFile(below), identity: identityOf(entry) };
      }
    }
    if (!hasMore) return;
    offset += entries.length;
  }
}

/** Tells progress by what Globus says of all that has moved, which may be more than a file has, and by the end of it. */
function toldOnce(
  size: number,
  onProgress: ((bytes: number) => void) | undefined,
): { readonly soFar: (bytes: number) => void; readonly all: () => void } {
  let told = 0;
  const tell = (bytes: number) => {
    const known = Math.min(bytes, size);
    if (known > told) onProgress?.(known - told);
    told = Math.max(told, known);
  };
  return { soFar: tell, all: () => tell(size) };
}
