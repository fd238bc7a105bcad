import { open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Entry, ZipReader, ZipWriter } from '@zip.js/zip.js';
import { SluiceError } from '../../errors.js';
import { localFailure, writeWhole } from '../write-whole.js';
import { HandleReader } from './handle-reader.js';
import { foldersOf, openArchive } from './open-archive.js';
import { createHandleSink } from './pack-member.js';
import { zipFailure } from './zip-failure.js';

/** What becomes of one member: it is what the archive at `packed` has by that name, or nothing. */
export interface MemberChange {
  readonly name: string;
  readonly packed?: string | undefined;
}

/** How an archive is rewritten. */
export interface Rewriting {
  /** Names the step in errors. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** Asked last: throws when the archive may not be replaced any more. */
  confirm(): Promise<void>;
}

/**
 * Makes changes to an archive, all at once or none of them; what it keeps is copied as it is, packed. Resolves with what
 * was wrong with those changes that could not be made, by name; creates the archive for those that add to it.
 */
export async function rewriteArchive(
  path: string,
  changes: readonly MemberChange[],
  rewriting: Rewriting,
): Promise<ReadonlyMap<MemberChange, SluiceError>> {
  const { what, signal } = rewriting;
  const present = await namesIn(path, what);
  const refused = new Map<MemberChange, SluiceError>();
  const wanted = new Map<string, MemberChange>();
  const folders = new Set(foldersOf(present));
  const files = new Set([...present].filter((name) => !name.endsWith('/')));
  for (const change of changes) {
    const { name, packed } = change;
    const problem = packed === undefined ? undefined : conflictOf(name, files, folders);
    if (problem !== undefined) {
      refused.set(change, new SluiceError('INVALID_OPTIONS', `cannot ${what}: ${problem}`));
      continue;
    }
    wanted.set(name, change);
    if (packed === undefined) {
      files.delete(name);
      continue;
    }
    files.add(name);
    for (const folder of foldersOf([name])) folders.add(folder);
  }
  const isNeeded = [...wanted.values()].some(({ name, packed }) => packed !== undefined || present.has(name));
  if (!isNeeded) return refused;
  try {
    await writeWhole(path, (temporaryPath) => writeArchive(temporaryPath, { path, wanted, ...rewriting }));
  } catch (error) {
    throw zipFailure(what, error, signal);
  }
  return refused;
}

function conflictOf(name: string, files: ReadonlySet<string>, folders: ReadonlySet<string>): string | undefined {
  if (folders.has(name)) return `${JSON.stringify(name)} is a folder in it`;
  const above = [...foldersOf([name])].find((folder) => files.has(folder));
  return above === undefined ? undefined : `${JSON.stringify(above)} is a file in it, not a folder`;
}

interface Writing extends Rewriting {
  readonly path: string;
  readonly wanted: ReadonlyMap<string, MemberChange>;
}

async function writeArchive(temporaryPath: string, { path, wanted, signal, confirm }: Writing): Promise<void> {
  const output = await open(temporaryPath, 'wx');
  try {
    const sink = createHandleSink(output, signal);
    const writer = new ZipWriter(sink.writable);
    try {
      const comment = await appendOld(writer, path, (name) => !wanted.has(name));
      for (const { packed } of wanted.values()) {
        if (packed !== undefined) await append(writer, packed, () => undefined);
      }
      await writer.close(comment);
    } catch (error) {
      throw sink.failure() ?? error;
    }
    const old = await stat(path).catch(ifMissing);
    if (old !== undefined) await output.chmod(old.mode & 0o777);
    await output.sync();
  } finally {
    await output.close();
  }
  signal.throwIfAborted();
  await confirm();
}

// Of several entries of one name the last counts, and is kept.
async function appendOld(
  writer: ZipWriter<unknown>,
  path: string,
  keep: (name: string) => boolean,
): Promise<Uint8Array> {
  if ((await stat(path).catch(ifMissing)) === undefined) return new Uint8Array();
  return append(writer, path, (entries) => {
    const last = new Map(entries.map(({ filename, offset }) => [filename, offset]));
    const isKept = ({ filename, offset }: Entry) => keep(filename) && last.get(filename) === offset;
    // Copied as a whole where all of it stays: entry by entry takes a millisecond for each.
    return entries.every(isKept) ? undefined : isKept;
  });
}

async function append(
  writer: ZipWriter<unknown>,
  path: string,
  choose: (entries: readonly Entry[]) => ((entry: Entry) => boolean) | undefined,
): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const readerOptions = { filenameValidation: 'tolerant' } as const;
    const reader = new ZipReader(new HandleReader(handle, size), readerOptions);
    const filter = choose(await reader.getEntries());
    await writer.appendZip(new HandleReader(handle, size), { ...(filter && { filter }), readerOptions });
    return reader.comment;
  } finally {
    await handle.close();
  }
}

async function namesIn(path: string, what: string): Promise<ReadonlySet<string>> {
  if ((await stat(path).catch(ifMissing)) === undefined) return new Set();
  const archive = await openArchive(path, what);
  await archive.close();
  return new Set(archive.entries.keys());
}

/** The path of an archive with no symbolic link in it, so that one archive has one name; of one that is missing, its own. */
export async function realArchive(path: string): Promise<string> {
  const real = await realpath(path).catch(ifMissing);
  if (real !== undefined) return real;
  const folder = await realpath(dirname(path)).catch(ifMissing);
  return folder === undefined ? path : `${folder}${path.slice(dirname(path).length)}`;
}

function ifMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw localFailure('look at the archive', error);
}
