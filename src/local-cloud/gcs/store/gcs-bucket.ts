import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataFiles, type Segment } from '../../store/data-files.js';
import { ObjectTable } from '../../store/object-table.js';
import type { SortedKeys } from '../../store/sorted-keys.js';
import { writeWholeFile } from '../../store/write-whole-file.js';
import { GcsError, noSuchBucket, noSuchObject } from '../gcs-error.js';
import { checkForWrite, type Preconditions } from '../preconditions.js';
import type { NewObject, ObjectFacts, ObjectRecord } from './gcs-object.js';
import { UploadSessions } from './upload-sessions.js';

/** Facts a bucket is made with, under the names of the JSON API's bucket resource. */
export interface BucketFacts {
  readonly createdMs: number;
  readonly location: string;
  readonly storageClass: string;
}

/** What may be set of a bucket later: kept and given back word for word, never applied. */
export interface BucketSettings {
  readonly lifecycle?: unknown;
  readonly labels?: unknown;
}

/** Folders inside a bucket's own. */
export const BUCKET_FOLDERS = ['data', 'sessions'] as const;

/** One bucket: its objects, their bytes, and the uploads that are to become objects. */
export class GcsBucket {
  readonly name: string;
  readonly facts: BucketFacts;
  readonly data: DataFiles;
  readonly sessions: UploadSessions;
  readonly #folder: string;
  readonly #objects: ObjectTable<ObjectRecord>;
  #newest = 0;

  constructor(folder: string, name: string, facts: BucketFacts) {
    this.name = name;
    this.facts = facts;
    this.#folder = folder;
    this.data = new DataFiles(join(folder, 'data'));
    this.sessions = new UploadSessions(join(folder, 'sessions'), this.data);
    this.#objects = new ObjectTable({ path: join(folder, 'objects.jsonl'), data: this.data, gone: noSuchBucket });
  }

  async load(): Promise<void> {
    await this.#objects.load();
    const named: Segment[] = [];
    const completed = new Set<string>();
    for (const { segments, generation, uploadId } of this.#objects.values()) {
      this.#newest = Math.max(this.#newest, generation);
      named.push(...segments);
      if (uploadId !== undefined) completed.add(uploadId);
    }
    await this.sessions.load(completed);
    await this.data.sweep([...named, ...this.sessions.segments()]);
  }

  /** Lets go of its files. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#objects.close(), this.data.close()]);
  }

  /** Names of the objects in order, to walk through in one go. */
  get keys(): SortedKeys {
    return this.#objects.keys;
  }

  find(name: string): ObjectRecord | undefined {
    return this.#objects.find(name);
  }

  /** The object, in that generation where one is given. @throws {GcsError} `notFound` */
  get(name: string, generation?: number): ObjectRecord {
    const record = this.find(name);
    if (record === undefined || (generation !== undefined && generation !== record.generation)) {
      throw noSuchObject(this.name, name);
    }
    return record;
  }

  /**
   * Writes an object, as a new generation. Its segments are discarded when it cannot be written.
   * @throws {GcsError} `conditionNotMet`
   */
  async put(object: NewObject, conditions: Preconditions, nowMs: number): Promise<ObjectRecord> {
    try {
      return await this.#objects.exclusively(object.key, async () => {
        checkForWrite(conditions, this.find(object.key));
        const times = { createdMs: nowMs, updatedMs: nowMs };
        const record = { ...object, ...times, generation: this.#nextGeneration(nowMs), metageneration: 1 };
        await this.#objects.publish(record);
        return record;
      });
    } catch (error) {
      await this.data.discard(object.segments);
      throw error;
    }
  }

  /** Changes what is said of an object, and not its bytes. @throws {GcsError} `notFound`, `conditionNotMet` */
  patch(
    name: string,
    change: (facts: ObjectFacts) => ObjectFacts,
    how: { readonly generation: number | undefined; readonly conditions: Preconditions; readonly nowMs: number },
  ): Promise<ObjectRecord> {
    return this.#objects.exclusively(name, async () => {
      const current = this.get(name, how.generation);
      checkForWrite(how.conditions, current);
      const { metageneration, facts } = current;
      const patched = { facts: change(facts), updatedMs: how.nowMs, metageneration: metageneration + 1 };
      const record = { ...current, ...patched };
      await this.#objects.publish(record);
      return record;
    });
  }

  /** @throws {GcsError} `notFound`, `conditionNotMet` */
  async delete(name: string, generation: number | undefined, conditions: Preconditions): Promise<void> {
    await this.#objects.exclusively(name, async () => {
      const record = this.get(name, generation);
      checkForWrite(conditions, record);
      await this.#objects.remove(record);
    });
  }

  /** Settings, as they were last given. */
  async settings(): Promise<BucketSettings> {
    const text = await readFile(this.#settingsPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '{}';
      throw error;
    });
    return JSON.parse(text) as BucketSettings;
  }

  async changeSettings(settings: BucketSettings): Promise<void> {
    await writeWholeFile(this.#settingsPath, JSON.stringify(settings));
  }

  /** Lets no further object in. @throws {GcsError} `conflict` */
  retire(): void {
    if (!this.#objects.retire()) throw new GcsError('conflict', 'The bucket you tried to delete is not empty.');
  }

  /** Microseconds, as Cloud Storage's own look like; two writes never share one. */
  #nextGeneration(nowMs: number): number {
    this.#newest = Math.max(this.#newest + 1, nowMs * 1000);
    return this.#newest;
  }

  get #settingsPath(): string {
    return join(this.#folder, 'settings.json');
  }
}
