import { BucketFolders } from '../../store/bucket-folders.js';
import { GcsError, noSuchBucket } from '../gcs-error.js';
import { BUCKET_FOLDERS, type BucketFacts, GcsBucket } from './gcs-bucket.js';
import { checkBucketName } from './names.js';

/** All buckets of one folder. */
export class GcsBuckets {
  readonly #folders: BucketFolders<GcsBucket, BucketFacts>;

  constructor(folder: string) {
    const open = (own: string, name: string, facts: BucketFacts) => new GcsBucket(own, name, facts);
    this.#folders = new BucketFolders({ folder, inside: BUCKET_FOLDERS, open });
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
  list(): GcsBucket[] {
    return this.#folders.list();
  }

  /** @throws {GcsError} `notFound` */
  get(name: string): GcsBucket {
    const bucket = this.#folders.find(name);
    if (bucket === undefined) throw noSuchBucket();
    return bucket;
  }

  /** @throws {GcsError} `invalid`, `conflict` */
  async create(name: string, facts: BucketFacts): Promise<GcsBucket> {
    checkBucketName(name);
    const bucket = await this.#folders.create(name, facts);
    if (bucket !== undefined) return bucket;
    const message = 'Your previous request to create the named bucket succeeded and you already own it.';
    throw new GcsError('conflict', message, { xmlCode: 'BucketAlreadyOwnedByYou' });
  }

  /** @throws {GcsError} `notFound`, `conflict` */
  delete(name: string): Promise<void> {
    return this.#folders.delete(name, () => this.get(name));
  }
}
