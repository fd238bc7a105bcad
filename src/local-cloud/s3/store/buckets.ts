import { BucketFolders } from '../../store/bucket-folders.js';
import { S3Error } from '../s3-error.js';
import { BUCKET_FOLDERS, Bucket, noSuchBucket } from './bucket.js';
import { checkBucketName } from './bucket-name.js';

/** All buckets of one folder. */
export class Buckets {
  readonly #folders: BucketFolders<Bucket, { readonly createdMs: number }>;

  constructor(folder: string) {
    this.#folders = new BucketFolders({
      folder,
      inside: BUCKET_FOLDERS,
      open: (own, name, { createdMs }) => new Bucket(own, { name, createdMs }),
    });
  }

  /** Reads what the folder holds, and removes what a killed server left half-made in it. */
  load(): Promise<void> {
    return this.#folders.load();
  }

  /** By name, in order. */
  list(): Bucket[] {
    return this.#folders.list();
  }

  /** @throws {S3Error} `NoSuchBucket` */
  get(name: string): Bucket {
    const bucket = this.#folders.find(name);
    if (bucket === undefined) throw noSuchBucket(name);
    return bucket;
  }

  /** @throws {S3Error} `InvalidBucketName`, `BucketAlreadyOwnedByYou` */
  async create(name: string, createdMs: number): Promise<void> {
    checkBucketName(name);
    if ((await this.#folders.create(name, { createdMs })) === undefined) throw alreadyOwned(name);
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
