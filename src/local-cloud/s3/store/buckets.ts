import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compareUtf8 } from '../../../utf8-order.js';
import { S3Error } from '../s3-error.js';
import { BUCKET_FOLDERS, Bucket, noSuchBucket } from './bucket.js';
import { checkBucketName } from './bucket-name.js';
import { KeyLock } from './key-lock.js';

/** All buckets of one folder. */
export class Buckets {
  readonly #folder: string;
  readonly #buckets = new Map<string, Bucket>();
  readonly #locks = new KeyLock();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads what the folder holds, and removes what a killed server left half-made in it. */
  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const name of await readdir(this.#folder)) {
      const folder = join(this.#folder, name);
      if (name.startsWith(HALF_MADE)) {
        await rm(folder, { recursive: true });
        continue;
      }
      const { createdMs } = JSON.parse(await readFile(join(folder, BUCKET_FILE), 'utf8')) as { createdMs: number };
      const bucket = new Bucket(folder, { name, createdMs });
      await bucket.load();
      this.#buckets.set(name, bucket);
    }
  }

  /** By name, in order. */
  list(): Bucket[] {
    return [...this.#buckets.values()].sort((left, right) => compareUtf8(left.name, right.name));
  }

  /** @throws {S3Error} `NoSuchBucket` */
  get(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined) throw noSuchBucket(name);
    return bucket;
  }

  /** @throws {S3Error} `InvalidBucketName`, `BucketAlreadyOwnedByYou` */
  async create(name: string, createdMs: number): Promise<void> {
    checkBucketName(name);
    await this.#locks.run(name, async () => {
      if (this.#buckets.has(name)) throw alreadyOwned(name);
      const halfMade = join(this.#folder, HALF_MADE + randomUUID());
      await mkdir(halfMade);
      for (const inside of BUCKET_FOLDERS) await mkdir(join(halfMade, inside));
      await writeFile(join(halfMade, BUCKET_FILE), JSON.stringify({ createdMs }));
      const folder = join(this.#folder, name);
      await rename(halfMade, folder);
      this.#buckets.set(name, new Bucket(folder, { name, createdMs }));
    });
  }

  /** @throws {S3Error} `NoSuchBucket`, `BucketNotEmpty` */
  async delete(name: string): Promise<void> {
    await this.#locks.run(name, async () => {
      this.get(name).retire();
      this.#buckets.delete(name);
      const halfMade = join(this.#folder, HALF_MADE + randomUUID());
      await rename(join(this.#folder, name), halfMade);
      await rm(halfMade, { recursive: true, force: true });
    });
  }
}

/** No bucket's name begins with a dot. */
const HALF_MADE = '.half-made-';
const BUCKET_FILE = 'bucket.json';

function alreadyOwned(name: string): S3Error {
  const message = 'Your previous request to create the named bucket succeeded and you already own it.';
  return new S3Error('BucketAlreadyOwnedByYou', message, { details: { BucketName: name } });
}
