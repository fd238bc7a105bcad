import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../errors.js';
import { isOwnerGone, ownerName, uniqueName } from '../run/owner.js';

/**
 * Lets `write` fill a file of a temporary name beside `path` and then gives it that name, replacing what was there:
 * nobody ever sees half of it. Creates the folders above; on failure nothing is left.
 */
export async function writeWhole<T>(path: string, write: (temporaryPath: string) => Promise<T>): Promise<T> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw localFailure(`create the folder ${folder}`, error);
  });
  const temporaryPath = temporaryPathIn(folder);
  try {
    const result = await write(temporaryPath);
    await rename(temporaryPath, path).catch((error: unknown) => {
      throw localFailure(`write ${path}`, error);
    });
    return result;
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw error;
  }
}

/**
 * Writes a small file as {@link writeWhole} does, in fewer steps. Not synchronously, though that takes less processor time:
 * a disk that is busy takes a millisecond to create a file, in which nothing else would move.
 */
export async function writeSmall(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const temporaryPath = temporaryPathIn(dirname(path));
  const [first = new Uint8Array()] = chunks;
  const content = chunks.length <= 1 ? first : Buffer.concat(chunks);
  try {
    await writeNew(temporaryPath, content);
    await rename(temporaryPath, path);
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw localFailure(`write ${path}`, error);
  }
}

async function writeNew(path: string, content: Uint8Array): Promise<void> {
  try {
    await writeFile(path, content, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { flag: 'wx' });
  }
}

/**
 * Removes what writers of this machine have left in a folder that were killed. Best effort; each folder is looked at once by a
 * process.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  if (cleaned.has(folder)) return;
  if (cleaned.size === MOST_CLEANED) cleaned.clear();
  cleaned.add(folder);
  const names = await readdir(folder).catch(() => []);
  const left = names.filter((name) => isTemporaryName(name) && isOwnerGone(name.slice(1)));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
}

const cleaned = new Set<string>();
const MOST_CLEANED = 1_000;

/** Creates a folder, and those above it. @throws {SluiceError} of {@link localFailure} */
export function makeFolder(path: string, mode?: number): void {
  try {
    mkdirSync(path, { recursive: true, ...(mode !== undefined && { mode }) });
  } catch (error) {
    throw localFailure(`create the folder ${path}`, error);
  }
}

/** Whether a file of that name is one that is being filled, here or by another side, or was left so. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY_NAME.test(name);
}

// Short, and apart from the final name, which may be as long as names can be.
function temporaryPathIn(folder: string): string {
  return join(folder, `.${uniqueName(ownerName())}.part`);
}

/** A new name for what is being filled on the far side of a transfer, or by another program. */
export function newTemporaryName(): string {
  return `.${randomUUID()}.part`;
}

// Of a thread of this machine, or of newTemporaryName.
const TEMPORARY_NAME = /^\.(\d+-\d+-[0-9a-f]*\.[0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\.part$/;

/** The SluiceError of a failed file system call; other errors and SluiceErrors pass as they are. */
export function localFailure(action: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof SluiceError || typeof code !== 'string') return error;
  const known = LOCAL_CODES[code];
  if (known === undefined) return new SluiceError('TRANSFER_FAILED', `cannot ${action}: ${code}`, { cause: error });
  return new SluiceError(known.code, `cannot ${action}: ${known.text}`, { cause: error });
}

const LOCAL_CODES: Readonly<Record<string, { readonly code: string; readonly text: string }>> = {
  ENOENT: { code: 'NOT_FOUND', text: 'there is no such file' },
  ENOTDIR: { code: 'NOT_FOUND', text: 'a part of the path is a file, not a folder' },
  EISDIR: { code: 'INVALID_OPTIONS', text: 'a folder has that name' },
  ENOTEMPTY: { code: 'INVALID_OPTIONS', text: 'a folder has that name' },
  EEXIST: { code: 'INVALID_OPTIONS', text: 'a file stands where a folder is needed' },
  EACCES: { code: 'ACCESS_DENIED', text: 'this user may not (check the permissions of the path)' },
  EPERM: { code: 'ACCESS_DENIED', text: 'this user may not (check the permissions of the path)' },
  EROFS: { code: 'ACCESS_DENIED', text: 'the file system is read-only' },
  ENOSPC: { code: 'TRANSFER_FAILED', text: 'the disk is full' },
};
