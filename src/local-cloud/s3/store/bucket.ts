import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkWriteCondition, type WriteCondition } from '../conditions.js';
import { S3Error } from '../s3-error.js';
import { DataFiles } from './data-files.js';
import { ensureFolder } from './ensure-folder.js';
import { KeyLock } from './key-lock.js';
import { fileNameOfKey, type ObjectRecord } from './object-record.js';
import { SortedKeys } from './sorted-keys.js';
import { Uploads } from './uploads.js';
import { UNFINISHED, writeWholeFile } from './write-whole-file.js';

/** A write that has begun: its condition held then, and is held again when it commits. */
export interface ObjectWrite {
  /** Publishes the object: from here on it is what readers get, whole. @throws {S3Error} when the condition fails now. */
  commit(record: ObjectRecord): Promise<void>;
  /** Always to be called, committed or not. */
  end(): void;
}

/** Folders inside a bucket's own. */
export const BUCKET_FOLDERS = ['objects', 'data', 'uploads'] as const;

/**
 * One bucket: records of its objects in memory in key order, and on disk a file each beside the data files.
 *
 * A record's file, written whole, is what makes an object exist; so neither a kill nor a cut connection leaves half of one.
 */
export class Bucket {
  readonly name: string;
  readonly createdMs: number;
  readonly data: DataFiles;
  readonly uploads: Uploads;
  readonly #folder: string;
  readonly #records = new Map<string, ObjectRecord>();
  readonly #locks = new KeyLock();
  readonly #writes = new Set<{ readonly key: string; deletedMeanwhile: boolean }>();
  #keys: SortedKeys = new SortedKeys();
  #committing = 0;
  #removed = false;

  constructor(folder: string, fields: { readonly name: string; readonly createdMs: number }) {
    this.name = fields.name;
    this.createdMs = fields.createdMs;
    this.#folder = folder;
    this.data = new DataFiles(join(folder, 'data'));
    this.uploads = new Uploads(join(folder, 'uploads'), this.data);
  }

  /** Path of a bucket-wide setting. */
  settingPath(name: string): string {
    return join(this.#folder, name);
  }

  /** Reads the records from disk, and removes what a killed server left behind. */
  async load(): Promise<void> {
    const named = new Set<string>();
    const completed = new Set<string>();
    const folder = join(this.#folder, 'objects');
    for (const shard of await readdir(folder)) {
      for (const file of await readdir(join(folder, shard))) {
        const path = join(folder, shard, file);
        if (file.endsWith(UNFINISHED)) {
          await rm(path);
          continue;
        }
        const record = JSON.parse(await readFile(path, 'utf8')) as ObjectRecord;
        this.#records.set(record.key, record);
        for (const { id } of record.segments) named.add(id);
        if (record.uploadId !== undefined) completed.add(record.uploadId);
      }
    }
    this.#keys = new SortedKeys(this.#records.keys());
    await this.uploads.load(completed);
    for (const id of this.uploads.dataIds()) named.add(id);
    await this.data.sweep(named);
  }

  /** The keys in order, to walk through in one go. */
  get keys(): SortedKeys {
    return this.#keys;
  }

  find(key: string): ObjectRecord | undefined {
    return this.#records.get(key);
  }

  /** @throws {S3Error} `NoSuchKey` */
  get(key: string): ObjectRecord {
    const record = this.find(key);
    if (record !== undefined) return record;
    throw new S3Error('NoSuchKey', 'The specified key does not exist.', { details: { Key: key } });
  }

  /** @throws {S3Error} when the condition fails already. */
  beginWrite(key: string, condition: WriteCondition): ObjectWrite {
    checkWriteCondition(condition, this.find(key));
    const write = { key, deletedMeanwhile: false };
    this.#writes.add(write);
    return {
      commit: (record) =>
        this.#exclusively(key, async () => {
          if (condition.kind !== 'none' && write.deletedMeanwhile) throw conflict(key);
          checkWriteCondition(condition, this.find(key));
          await this.#publish(record);
        }),
      end: () => {
        this.#writes.delete(write);
      },
    };
  }

  /** Deletes the object if there is one. */
  async delete(key: string): Promise<void> {
    await this.#exclusively(key, async () => {
      const record = this.find(key);
      if (record === undefined) return;
      await rm(this.#recordPath(key).path, { force: true });
      this.#records.delete(key);
      this.#keys.remove(key);
      for (const write of this.#writes) if (write.key === key) write.deletedMeanwhile = true;
      await this.data.discard(record.segments);
    });
  }

  /** Lets no further object in. @throws {S3Error} `BucketNotEmpty` */
  retire(): void {
    if (this.#records.size > 0 || this.#committing > 0) {
      throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty', {
        details: { BucketName: this.name },
      });
    }
    this.#removed = true;
  }

  async #publish(record: ObjectRecord): Promise<void> {
    const { folder, path } = this.#recordPath(record.key);
    const replaced = this.find(record.key);
    await ensureFolder(folder);
    await writeWholeFile(path, JSON.stringify(record));
    this.#records.set(record.key, record);
    this.#keys.add(record.key);
    if (replaced !== undefined) await this.data.discard(replaced.segments);
  }

  async #exclusively(key: string, work: () => Promise<void>): Promise<void> {
    if (this.#removed) throw noSuchBucket(this.name);
    this.#committing++;
    try {
      await this.#locks.run(key, work);
    } finally {
      this.#committing--;
    }
  }

  #recordPath(key: string): { folder: string; path: string } {
    const file = fileNameOfKey(key);
    const folder = join(this.#folder, 'objects', file.slice(0, 2));
    return { folder, path: join(folder, file) };
  }
}

export function noSuchBucket(name: string): S3Error {
  return new S3Error('NoSuchBucket', 'The specified bucket does not exist', { details: { BucketName: name } });
}

function conflict(key: string): S3Error {
  const message = 'The conditional request cannot succeed due to a conflicting operation against this resource.';
  return new S3Error('ConditionalRequestConflict', message, { details: { Key: key } });
}
