import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareUtf8 } from '../../utf8-order.js';
import { KeyLock } from './key-lock.js';

/** What a service's bucket has to be. */
export interface StoredBucket {
  readonly name: string;
  /** Reads what its folder holds. */
  load(): Promise<void>;
  /** Lets no further object in. Throws the service's error when there are some. */
  retire(): void;
  /** Lets go of its files. Idempotent. */
  close(): Promise<void>;
}

export interface BucketFoldersOptions<Bucket, Facts> {
  /** Made when missing. */
  readonly folder: string;
  /** Folders inside each bucket's own. */
  readonly inside: readonly string[];
  /** The bucket of a folder that exists; does no I/O. */
  readonly open: (folder: string, name: string, facts: Facts) => Bucket;
}

/** All buckets of one service, each a folder with a file of the facts it was made with. */
export class BucketFolders<Bucket extends StoredBucket, Facts> {
  readonly #options: BucketFoldersOptions<Bucket, Facts>;
  readonly #buckets = new Map<string, Bucket>();
  readonly #locks = new KeyLock();

  constructor(options: BucketFoldersOptions<Bucket, Facts>) {
    this.#options = options;
  }

  /** Reads what the folder holds, and removes what a killed server left half-made in it. */
  async load(): Promise<void> {
    const { folder: all, open } = this.#options;
    await mkdir(all, { recursive: true });
    for (const name of await readdir(all)) {
      const folder = join(all, name);
      if (name.startsWith(HALF_MADE)) {
        await rm(folder, { recursive: true });
        continue;
      }
      const bucket = open(folder, name, JSON.parse(await readFile(join(folder, BUCKET_FILE), 'utf8')) as Facts);
      await bucket.load();
      this.#buckets.set(name, bucket);
    }
  }

  /** By name, in order. */
  list(): Bucket[] {
    return [...this.#buckets.values()].sort((left, right) => compareUtf8(left.name, right.name));
  }

  find(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** Resolves with `undefined` when there is one of that name. The name must be safe as that of a folder. */
  async create(name: string, facts: Facts): Promise<Bucket | undefined> {
    const { folder: all, inside, open } = this.#options;
    return this.#locks.run(name, async () => {
      if (this.#buckets.has(name)) return undefined;
      const halfMade = join(all, HALF_MADE + randomUUID());
      await mkdir(halfMade);
      for (const one of inside) await mkdir(join(halfMade, one));
      await writeFile(join(halfMade, BUCKET_FILE), JSON.stringify(facts));
      const folder = join(all, name);
      await rename(halfMade, folder);
      const bucket = open(folder, name, facts);
      this.#buckets.set(name, bucket);
      return bucket;
    });
  }

  /** Lets go of all buckets' files. Idempotent; nothing may be under way. */
  async close(): Promise<void> {
    for (const bucket of this.#buckets.values()) await bucket.close();
  }

  /** Rejects as {@link StoredBucket.retire} does; `find` gives the bucket, or throws when there is none. */
  async delete(name: string, find: () => Bucket): Promise<void> {
    await this.#locks.run(name, async () => {
      const bucket = find();
      bucket.retire();
      this.#buckets.delete(name);
      await bucket.close();
      const halfMade = join(this.#options.folder, HALF_MADE + randomUUID());
      await rename(join(this.#options.folder, name), halfMade);
      await rm(halfMade, { recursive: true, force: true });
    });
  }
}

/** No bucket's name begins with a dot. */
const HALF_MADE = '.half-made-';
const BUCKET_FILE = 'bucket.json';
