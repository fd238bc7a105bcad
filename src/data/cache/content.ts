import { readFileSync, statSync } from 'node:fs';
import { chmod, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootName } from '../../run/owner.js';
import { contentCrc32, contentHash } from '../content-hash.js';
import { ifThereNow, isErrno } from './errno.js';

/** What is known of a file's state: enough to see that somebody wrote to it. */
export interface FileState {
  readonly inode: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** The content of an entry. */
export interface Content extends FileState {
  /** The file itself, which can be read only. */
  readonly path: string;
  /** Of the bytes as they were fetched; absent where nobody asked for it then. */
  readonly sha256: string | undefined;
  /** The same, for other nodes that get it from this one. */
  readonly crc32: number | undefined;
  /** From before this machine's last start: nothing waits for the disk, so that a part of it may be missing. */
  readonly isOld: boolean;
}

interface Record {
  readonly mtimeNs: string;
  readonly boot: string;
  readonly sha256?: string;
  readonly crc32?: number;
}

/** How contents are checked. */
export type Verify = 'stat' | 'hash';

/** What is noted of a content when it is whole. */
export interface SealOptions {
  readonly verify: Verify;
  /** Whether its CRC-32 is noted, for other nodes that get it from this one. */
  readonly notesCrc32: boolean;
  readonly signal: AbortSignal;
}

/**
 * Makes the file `data` of a folder what {@link commit} takes: readable only, with a record of its state beside it. Its
 * time is a past one, so that whatever is written to it later has another, however coarse the clock.
 */
export async function seal(folder: string, { verify, notesCrc32, signal }: SealOptions): Promise<void> {
  const data = join(folder, DATA);
  await chmod(data, (await stat(data)).mode & ~WRITABLE);
  const seconds = Math.floor(Date.now() / 1000) - 1;
  await utimes(data, seconds, seconds);
  const { mtimeNs } = await stat(data, { bigint: true });
  const record: Record = {
    mtimeNs: String(mtimeNs),
    boot: bootName(),
    ...(verify === 'hash' && { sha256: await contentHash(data, signal) }),
    ...(notesCrc32 && { crc32: await contentCrc32(data, signal) }),
  };
  await writeFile(join(folder, RECORD), JSON.stringify(record), { mode: 0o444 });
}

const WRITABLE = 0o222;

/** Gives a sealed folder to an entry as its content; `false` when another one was quicker. */
export async function commit(entry: string, folder: string): Promise<boolean> {
  try {
    await rename(folder, contentOf(entry));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

/** The content of an entry, by its size and time as it was put there, or `changed`; `undefined` when there is none. */
export function readContent(entry: string, size: number): Content | 'changed' | undefined {
  const path = join(contentOf(entry), DATA);
  const recordPath = join(contentOf(entry), RECORD);
  const readRecord = () => ifThereNow(() => readFileSync(recordPath, 'utf8'));
  const early = readRecord();
  const state = readState(path);
  // Both appear at once: what came in between is there now.
  const text = early ?? (state && readRecord());
  if (text === undefined && state === undefined) return undefined;
  const record = text === undefined ? undefined : parseRecord(text);
  if (record === undefined || state === undefined) return 'changed';
  if (state.size !== BigInt(size) || String(state.mtimeNs) !== record.mtimeNs) return 'changed';
  return { ...state, path, sha256: record.sha256, crc32: record.crc32, isOld: record.boot !== bootName() };
}

/** `undefined` when there is no such file. */
export function readState(path: string): FileState | undefined {
  const found = ifThereNow(() => statSync(path, { bigint: true }));
  return found && { inode: found.ino, size: found.size, mtimeNs: found.mtimeNs };
}

/** Whether a file has not been written to. */
export function isSame(one: FileState, other: FileState): boolean {
  return one.inode === other.inode && one.size === other.size && one.mtimeNs === other.mtimeNs;
}

/** The folder with an entry's content. */
export function contentOf(entry: string): string {
  return join(entry, 'content');
}

/** The file's name in that folder. */
export const DATA = 'data';
const RECORD = 'record.json';

function parseRecord(text: string): Record | undefined {
  try {
    const record = JSON.parse(text) as Partial<Record> | null;
    return typeof record?.mtimeNs === 'string' && typeof record.boot === 'string' ? (record as Record) : undefined;
  } catch {
    return undefined;
  }
}
