import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { sizeIn } from '../cache/cache-folder.js';
import { readContent } from '../cache/content.js';
import { ifThere, isErrno } from '../cache/errno.js';
import { segmentsOf } from './peer-url.js';
import type { ServedFile } from './serve-file.js';

/**
 * A content of a cache, open; `undefined` where it is not there, is not as it was fetched, or may not be whole.
 *
 * @param entries folders of caches' entries
 */
export async function openContent(entries: Iterable<string>, name: string): Promise<ServedFile | undefined> {
  if (!ENTRY_NAME.test(name)) return undefined;
  for (const folder of entries) {
    const content = readContent(join(folder, name), sizeIn(name));
    if (content === undefined || content === 'changed' || content.isOld) continue;
    const file = await openWhole(content.path, content.crc32);
    if (file !== undefined && file.size === Number(content.size)) return file;
    await file?.handle.close();
  }
  return undefined;
}

const ENTRY_NAME = /^[0-9a-f]{8,64}-\d{1,15}$/;

/** A kept file, open, by its path as it stands in URLs; `undefined` where there is none. */
export async function openKept(folder: string, path: string): Promise<ServedFile | undefined> {
  const place = await placeOf(folder, path);
  return place === undefined ? undefined : openWhole(place, undefined);
}

/** Where a kept file or folder is, by its path as it stands in URLs; `undefined` where there is none below the folder. */
export async function placeOf(folder: string, path: string): Promise<string | undefined> {
  const segments = segmentsOf(path);
  if (segments === undefined) return undefined;
  const root = await ifThere(realpath(folder));
  const place = await ifThere(realpath(join(folder, ...segments)));
  // What a task put there could lead elsewhere.
  return root !== undefined && place?.startsWith(root + sep) === true ? place : undefined;
}

async function openWhole(path: string, crc32: number | undefined): Promise<ServedFile | undefined> {
  const handle = await openForReading(path);
  if (handle === undefined) return undefined;
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  const isUnchanged = async (): Promise<boolean> => {
    const now = await handle.stat({ bigint: true });
    return now.size === size && now.mtimeNs === mtimeNs;
  };
  return { handle, size: Number(size), crc32, isUnchanged };
}

async function openForReading(path: string): Promise<FileHandle | undefined> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return undefined;
    throw error;
  }
}
