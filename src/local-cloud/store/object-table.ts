import type { DataFiles, Segment } from './data-files.js';
import { KeyLock } from './key-lock.js';
import { RecordLog } from './record-log.js';
import { SortedKeys } from './sorted-keys.js';

/** What every service's record of an object has: its bytes are in the segments' files. */
export interface StoredObject {
  readonly key: string;
  readonly segments: readonly Segment[];
}

/**
 * The records of one bucket's objects: in memory in key order, and on disk in a log beside the data files.
 *
 * A record's line, written whole, is what makes an object exist; so neither a kill nor a cut connection leaves half of one.
 */
export class ObjectTable<Stored extends StoredObject> {
  readonly #data: DataFiles;
  readonly #gone: () => Error;
  readonly #log: RecordLog<Stored>;
  readonly #locks = new KeyLock();
  #keys: SortedKeys = new SortedKeys();
  #working = 0;
  #retired = false;

  /** `path` is that of the log; `gone` makes the error of work on a bucket that was deleted. */
  constructor(options: { readonly path: string; readonly data: DataFiles; readonly gone: () => Error }) {
    this.#log = new RecordLog(options.path);
    this.#data = options.data;
    this.#gone = options.gone;
  }

  /** Reads the records from disk, and removes what a killed server left half-written. */
  async load(): Promise<void> {
    await this.#log.load();
    this.#keys = new SortedKeys(this.#log.records.keys());
  }

  /** The keys in order, to walk through in one go. */
  get keys(): SortedKeys {
    return this.#keys;
  }

  values(): IterableIterator<Stored> {
    return this.#log.records.values();
  }

  find(key: string): Stored | undefined {
    return this.#log.records.get(key);
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
    const replaced = this.find(record.key);
    await this.#log.put(record);
    if (replaced === undefined) return this.#keys.add(record.key);
    const kept = new Set(record.segments.map(({ id }) => id));
    await this.#data.discard(replaced.segments.filter(({ id }) => !kept.has(id)));
  }

  /** To be called within {@link exclusively}. */
  async remove({ key, segments }: Stored): Promise<void> {
    await this.#log.remove(key);
    this.#keys.remove(key);
    await this.#data.discard(segments);
  }

  /** Lets no further object in; `false`, and nothing happens, when there is one or is about to be. */
  retire(): boolean {
    if (this.#log.records.size > 0 || this.#working > 0) return false;
    this.#retired = true;
    return true;
  }

  /** Lets go of the log. Idempotent. */
  close(): Promise<void> {
    return this.#log.close();
  }
}
