import { BucketFolders } from '../../store/bucket-folders.js';
import { S3Error } from '../s3-error.js';
import { BUCKET_FOLDERS, Bucket, noSuchBucket } from './bucket.js';
import { checkBucketName } from './bucket-name.js';

/** All buckets of one folder. */
export class Buckets {
  readonly #folders: BucketFolders<Bucket, { readonly createdMs: number; readonly region?: string }>;

  /** @param region of buckets that do not say where they were made */
  constructor(folder: string, region: string) {
    this.#folders = new BucketFolders({
      folder,
      inside: BUCKET_FOLDERS,
      open: (own, name, facts) => new Bucket(own, { region, ...facts, name }),
    });
  }

  /** Reads what the folder holds, and removes what a killed server left half-made in it. */
  load(): Promise<void> {
    return this.#folders.load();
  }

  /** Lets go of all files. Idempotent; nothing may be under way. */
  close(): Promise<void> {
    return this.#folders.close();
  }

  /** By name, in order. */
  list(): Bucket[] {
    return this.#folders.list();
  }

  find(name: string): Bucket | undefined {
    return this.#folders.find(name);
  }

  /** @throws {S3Error} `NoSuchBucket` */
  get(name: string): Bucket {
    const bucket = this.find(name);
    if (bucket === undefined) throw noSuchBucket(name);
    return bucket;
  }

  /** @throws {S3Error} `InvalidBucketName`, `BucketAlreadyOwnedByYou` */
  async create(name: string, facts: { readonly createdMs: number; readonly region: string }): Promise<void> {
    checkBucketName(name);
    if ((await this.#folders.create(name, facts)) === undefined) throw alreadyOwned(name);
  }

  /** @throws {S3Error} `NoSuchBucket`, `BucketNotEmpty` */
  delete(name: string): Promise<void> {
    return this.#folders.delete(name, () => this.get(name));
  }
}

function alreadyOwned(name: string): S3Error {
  const message = 'Your previous request to create the named bucket succeeded and you already own it.';
  return new S3Error('BucketAlreadyOwnedByYou', message, { details: { BucketName: name } });
}
