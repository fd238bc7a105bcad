import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataFiles, Segment } from './data-files.js';
import { ensureFolder } from './ensure-folder.js';
import { KeyLock } from './key-lock.js';
import { SortedKeys } from './sorted-keys.js';
import { UNFINISHED, writeWholeFile } from './write-whole-file.js';

/** What every service's record of an object has: its bytes are in the segments' files. */
export interface StoredObject {
  readonly key: string;
  readonly segments: readonly Segment[];
}

/**
 * The records of one bucket's objects: in memory in key order, and on disk a file each beside the data files.
 *
 * A record's file, written whole, is what makes an object exist; so neither a kill nor a cut connection leaves half of one.
 */
export class ObjectTable<Stored extends StoredObject> {
  readonly #folder: string;
  readonly #data: DataFiles;
  readonly #gone: () => Error;
  readonly #records = new Map<string, Stored>();
  readonly #locks = new KeyLock();
  #keys: SortedKeys = new SortedKeys();
  #working = 0;
  #retired = false;

  /** `gone` makes the error of work on a bucket that was deleted. */
  constructor(options: { readonly folder: string; readonly data: DataFiles; readonly gone: () => Error }) {
    this.#folder = options.folder;
    this.#data = options.data;
    this.#gone = options.gone;
  }

  /** Reads the records from disk, and removes what a killed server left half-written. */
  async load(): Promise<void> {
    for (const shard of await readdir(this.#folder)) {
      for (const file of await readdir(join(this.#folder, shard))) {
        const path = join(this.#folder, shard, file);
        if (file.endsWith(UNFINISHED)) {
          await rm(path);
          continue;
        }
        const record = JSON.parse(await readFile(path, 'utf8')) as Stored;
        this.#records.set(record.key, record);
      }
    }
    this.#keys = new SortedKeys(this.#records.keys());
  }

  /** The keys in order, to walk through in one go. */
  get keys(): SortedKeys {
    return this.#keys;
  }

  values(): IterableIterator<Stored> {
    return this.#records.values();
  }

  find(key: string): Stored | undefined {
    return this.#records.get(key);
  }

  /** Runs work on one key with nobody else at it. Rejects with `gone()` when the bucket was deleted. */
  async exclusively<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (this.#retired) throw this.#gone();
    this.#working++;
    try {
      return await this.#locks.run(key, work);
    } finally {
      this.#working--;
    }
  }

  /** From here on readers get this object, whole. To be called within {@link exclusively}. */
  async publish(record: Stored): Promise<void> {
    const { folder, path } = this.#place(record.key);
    const replaced = this.find(record.key);
    await ensureFolder(folder);
    await writeWholeFile(path, JSON.stringify(record));
    this.#records.set(record.key, record);
    this.#keys.add(record.key);
    const kept = new Set(record.segments.map(({ id }) => id));
    await this.#data.discard(replaced?.segments.filter(({ id }) => !kept.has(id)) ?? []);
  }

  /** To be called within {@link exclusively}. */
  async remove({ key, segments }: Stored): Promise<void> {
    await rm(this.#place(key).path, { force: true });
    this.#records.delete(key);
    this.#keys.remove(key);
    await this.#data.discard(segments);
  }

  /** Lets no further object in; `false`, and nothing happens, when there is one or is about to be. */
  retire(): boolean {
    if (this.#records.size > 0 || this.#working > 0) return false;
    this.#retired = true;
    return true;
  }

  /** A file name of fixed length and plain characters, whatever the key holds. */
  #place(key: string): { folder: string; path: string } {
    const file = `${createHash('sha256').update(key).digest('hex')}.json`;
    const folder = join(this.#folder, file.slice(0, 2));
    return { folder, path: join(folder, file) };
  }
}
