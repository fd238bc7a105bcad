import { open } from 'node:fs/promises';
import { configure, type Entry, type FileEntry, ZipReader } from '@zip.js/zip.js';
import { SluiceError } from '../../errors.js';
import { localIdentity } from '../local-file.js';
import type { FileIdentity } from '../staging.js';
import { localFailure } from '../write-whole.js';
import { HandleReader } from './handle-reader.js';
import { zipFailure } from './zip-failure.js';

// A pool of threads for one stream costs more than the stream, and Node has streams of its own for this.
configure({ useWebWorkers: false });

/** An archive whose directory has been read; its content stays what it is, also when its name is given to another. */
export interface OpenArchive {
  /** Every entry by its name; of several of one name the last, as most programs take it. */
  readonly entries: ReadonlyMap<string, Entry>;
  /** @throws {SluiceError} `INVALID_OPTIONS` when there is a folder of that name */
  find(name: string): FileEntry | undefined;
  close(): Promise<void>;
}

/** Opens an archive on the disk. @param what names the step in errors: `read zip:/a.zip/b` */
export async function openArchive(path: string, what: string): Promise<OpenArchive> {
  const { size } = await localIdentity(path);
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw localFailure(`${what}: read ${path}`, error);
  });
  try {
    const reader = new ZipReader(new HandleReader(handle, size), { filenameValidation: 'tolerant' });
    const entries = new Map((await reader.getEntries()).map((entry) => [entry.filename, entry]));
    let folders: ReadonlySet<string> | undefined;
    return {
      entries,
      find(name) {
        const entry = entries.get(name);
        folders ??= foldersOf(entries.keys());
        if (folders.has(name)) {
          throw new SluiceError('INVALID_OPTIONS', `cannot ${what}: this is a folder in ${path}`);
        }
        return entry === undefined || entry.directory ? undefined : entry;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw zipFailure(what, error);
  }
}

/** Identity of a member: its checksum and its size. */
export function identityOfEntry({
  crc32 = 0,
  uncompressedSize,
}: Pick<Entry, 'crc32' | 'uncompressedSize'>): FileIdentity {
  return { tag: `${crc32.toString(16).padStart(8, '0')}-${uncompressedSize}`, size: uncompressedSize };
}

/** Every folder that names imply. */
export function foldersOf(names: Iterable<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const name of names) {
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const folder = name.slice(0, end);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return folders;
}
