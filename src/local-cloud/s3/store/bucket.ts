import { join } from 'node:path';
import { DataFiles, type Segment } from '../../store/data-files.js';
import { ObjectTable } from '../../store/object-table.js';
import type { SortedKeys } from '../../store/sorted-keys.js';
import { checkWriteCondition, type WriteCondition } from '../conditions.js';
import { S3Error } from '../s3-error.js';
import { BucketAccess } from './bucket-access.js';
import type { ObjectRecord } from './object-record.js';
import { Uploads } from './uploads.js';

/** A write that has begun: its condition held then, and is held again when it commits. */
export interface ObjectWrite {
  /** Publishes the object: from here on it is what readers get, whole. @throws {S3Error} when the condition fails now. */
  commit(record: ObjectRecord): Promise<void>;
  /** Always to be called, committed or not. */
  end(): void;
}

/** Folders inside a bucket's own. */
export const BUCKET_FOLDERS = ['data', 'uploads'] as const;

/** One bucket: its objects, their bytes, and the uploads that are to become objects. */
export class Bucket {
  readonly name: string;
  readonly createdMs: number;
  /** Where it was made. */
  readonly region: string;
  readonly access: BucketAccess;
  readonly data: DataFiles;
  readonly uploads: Uploads;
  readonly #folder: string;
  readonly #objects: ObjectTable<ObjectRecord>;
  readonly #writes = new Set<{ readonly key: string; deletedMeanwhile: boolean }>();

  constructor(folder: string, fields: { readonly name: string; readonly createdMs: number; readonly region: string }) {
    this.name = fields.name;
    this.createdMs = fields.createdMs;
    this.region = fields.region;
    this.#folder = folder;
    this.access = new BucketAccess((setting) => this.settingPath(setting));
    this.data = new DataFiles(join(folder, 'data'));
    this.uploads = new Uploads(join(folder, 'uploads'), this.data);
    const gone = () => noSuchBucket(this.name);
    this.#objects = new ObjectTable({ path: join(folder, 'objects.jsonl'), data: this.data, gone });
  }

  /** Path of a bucket-wide setting. */
  settingPath(name: string): string {
    return join(this.#folder, name);
  }

  /** Reads the records from disk, and removes what a killed server left behind. */
  async load(): Promise<void> {
    await this.access.load();
    await this.#objects.load();
    const named: Segment[] = [];
    const completed = new Set<string>();
    for (const { segments, uploadId } of this.#objects.values()) {
      named.push(...segments);
      if (uploadId !== undefined) completed.add(uploadId);
    }
    await this.uploads.load(completed);
    await this.data.sweep([...named, ...this.uploads.segments()]);
  }

  /** Lets go of its files. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#objects.close(), this.data.close()]);
  }

  /** The keys in order, to walk through in one go. */
  get keys(): SortedKeys {
    return this.#objects.keys;
  }

  find(key: string): ObjectRecord | undefined {
    return this.#objects.find(key);
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
        this.#objects.exclusively(key, async () => {
          if (condition.kind !== 'none' && write.deletedMeanwhile) throw conflict(key);
          checkWriteCondition(condition, this.find(key));
          await this.#objects.publish(record);
        }),
      end: () => {
        this.#writes.delete(write);
      },
    };
  }

  /** Deletes the object if there is one. */
  async delete(key: string): Promise<void> {
    await this.#objects.exclusively(key, async () => {
      const record = this.find(key);
      if (record === undefined) return;
      for (const write of this.#writes) if (write.key === key) write.deletedMeanwhile = true;
      await this.#objects.remove(record);
    });
  }

  /** Lets no further object in. @throws {S3Error} `BucketNotEmpty` */
  retire(): void {
    if (this.#objects.retire()) return;
    throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty', {
      details: { BucketName: this.name },
    });
  }
}

export function noSuchBucket(name: string): S3Error {
  return new S3Error('NoSuchBucket', 'The specified bucket does not exist', { details: { BucketName: name } });
}

function conflict(key: string): S3Error {
  const message = 'The conditional request cannot succeed due to a conflicting operation against this resource.';
  return new S3Error('ConditionalRequestConflict', message, { details: { Key: key } });
}
