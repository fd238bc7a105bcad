import { mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SluiceError } from '../../errors.js';
import { DataFile } from '../data-file.js';
import { localIdentity } from '../local-file.js';
import type { FileIdentity, StageInTarget, StageOutSource, Staging } from '../staging.js';
import { localFailure, newTemporaryName } from '../write-whole.js';
import { identityOf, parseListing, type RsyncEntry } from './rsync-listing.js';
import { type ResolvedRsyncStagingOptions, type RsyncStagingOptions, resolveRsyncOptions } from './rsync-options.js';
import { parseRsyncUrl } from './rsync-url.js';
import { runRsync } from './run-rsync.js';

/**
 * Staging of `rsync://[user@]host[:port]/module/path`, by rsync daemons, and of `rsync+ssh://[user@]host[:port]/path`, by
 * the program rsync, which has to be on the worker and, by ssh, on the host.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createRsyncStaging(options: RsyncStagingOptions = {}): Staging {
  const resolved = resolveRsyncOptions(options);
  const isOurs = ({ scheme }: DataFile) => SCHEMES.includes(scheme);
  return {
    name: 'rsync',
    schemes: SCHEMES,
    // What rsync deletes, it deletes by patterns over folders: nothing that one file should be trusted to.
    capabilities: { stageOut: true, list: true, remove: false, identity: 'time' },
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, target) {
      refuseFolder(file);
      await download(file.url, target, resolved);
      return target.suggestedPath;
    },
    async stageOut(file, source) {
      refuseFolder(file);
      return upload(file.url, source, resolved);
    },
    async identity(file, signal = new AbortController().signal) {
      refuseFolder(file);
      const [found] = await entriesAt(file.url, [], signal, resolved).catch((error: unknown) => {
        if (error instanceof SluiceError && error.code === 'NOT_FOUND') return [];
        throw error;
      });
      if (found === undefined) return undefined;
      if (found.kind === 'file') return found.identity;
      throw noFile(file.url);
    },
    async *list(folder, signal) {
      const { path: above } = parseRsyncUrl(folder.url);
      for (const { kind, path, identity } of await entriesAt(folder.url, ['--recursive'], signal, resolved)) {
        signal.throwIfAborted();
        if (kind !== 'file' || !path.startsWith(above)) continue;
        const name = path.slice(above.length).split('/').map(encodeURIComponent).join('/');
        yield { file: new DataFile(folder.url + name), identity };
      }
    },
    close: async () => undefined,
  };
}

const SCHEMES: readonly string[] = ['rsync', 'rsync+ssh'];

async function entriesAt(
  url: string,
  more: readonly string[],
  signal: AbortSignal,
  options: ResolvedRsyncStagingOptions,
): Promise<readonly RsyncEntry[]> {
  let text = '';
  await runRsync(
    {
      what: `look at ${url}`,
      // Asked for by --files-from; nothing is written there.
      to: '.',
      place: parseRsyncUrl(url),
      options: [
        '--list-only',
        '--times',
        '--no-implied-dirs',
        ...(more.length > 0 ? more : ['--dirs', '--copy-links']),
      ],
      signal,
      onOutput: (said) => {
        text += said;
      },
    },
    options,
  );
  return parseListing(text);
}

async function download(url: string, target: StageInTarget, options: ResolvedRsyncStagingOptions): Promise<void> {
  const { suggestedPath, signal, identity, onProgress } = target;
  const what = `read ${url}`;
  const place = parseRsyncUrl(url);
  await inFolderBeside(suggestedPath, async (folder) => {
    const progress = createProgress(onProgress);
    await runRsync(
      { what, place, to: `${folder}/`, signal, onOutput: progress.read, options: [...MOVING, '--no-relative'] },
      options,
    );
    const path = join(folder, basename(place.path));
    const found = await stat(path).catch(() => undefined);
    // A folder comes as well, though empty.
    if (found?.isFile() !== true) throw noFile(url);
    const { tag, size } = identityOf(Math.floor(found.mtimeMs / 1_000), found.size);
    if (identity !== undefined && identity.tag !== tag) {
      throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: it is not the file any more that was asked for`);
    }
    progress.finish(size);
    await rename(path, suggestedPath).catch((error: unknown) => {
      throw localFailure(what, error);
    });
  });
}

async function upload(
  url: string,
  source: StageOutSource,
  options: ResolvedRsyncStagingOptions,
): Promise<FileIdentity> {
  const { path, signal, onProgress } = source;
  const what = `write ${url}`;
  const place = parseRsyncUrl(url);
  signal.throwIfAborted();
  const before = await localIdentity(path);
  return inFolderBeside(path, async (folder) => {
    // By a link of the name it is to have, below folders of theirs: rsync makes those that are missing.
    const linked = join(folder, place.path);
    await mkdir(dirname(linked), { recursive: true });
    await symlink(resolve(path), linked);
    const { mtimeMs } = await stat(path);
    const progress = createProgress(onProgress);
    const comparing = options.checksum ? '--checksum' : '--ignore-times';
    await runRsync(
      {
        what,
        place,
        from: `${folder}/`,
        signal,
        onOutput: progress.read,
        options: [...MOVING, '--relative', '--no-implied-dirs', comparing],
      },
      options,
    );
    if ((await localIdentity(path)).tag !== before.tag) {
      throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being read: it is still being written`);
    }
    progress.finish(before.size);
    return identityOf(Math.floor(mtimeMs / 1_000), before.size);
  });
}

const MOVING: readonly string[] = ['--times', '--perms', '--copy-links', '--info=progress2', '--outbuf=N'];

// On the same disk as the file, so that it can be given its name in one step.
async function inFolderBeside<T>(path: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(dirname(path), newTemporaryName());
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw localFailure(`create the folder ${folder}`, error);
  });
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Progress by what rsync writes of it: the bytes so far, at the beginning of each line. */
function createProgress(onProgress: ((bytes: number) => void) | undefined): {
  read(text: string): void;
  finish(size: number): void;
} {
  let told = 0;
  const tell = (bytes: number): void => {
    if (bytes !== told) onProgress?.(bytes - told);
    told = bytes;
  };
  return {
    read(text) {
      for (const [, bytes] of text.matchAll(/[\r\n] *(\d[\d,]*) +\d+%/g)) tell(Number(bytes?.replaceAll(',', '')));
    },
    // An output may be cut between two of its digits: the end counts.
    finish: tell,
  };
}

function refuseFolder(file: DataFile): void {
  if (file.isFolder) throw noFile(file.url);
}

function noFile(url: string): SluiceError {
  return new SluiceError('INVALID_OPTIONS', `${url} is no file: name the files in it, or end the URL in /`);
}
