import { createFileRelay, type FileRelay } from '../data/file-relay.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { type CodeUpload, createCodeUpload } from './code-upload.js';

/** An executor's own part of a bucket, for the time of its run. */
export interface RunBucket {
  readonly store: ObjectStore;
  /** All its keys begin with this and a slash. */
  readonly prefix: string;
  /** Carries files of this machine to workers, and back. */
  readonly relay: FileRelay;
  readonly code: CodeUpload;
  /** Stops what is under way, and deletes everything under the prefix. Idempotent. */
  close(): Promise<void>;
}

/** Whose part it is, and of which bucket. */
export interface RunBucketPlace {
  readonly bucket: string;
  readonly prefix: string;
  readonly region?: string;
  readonly runId: string;
  readonly label: string;
}

/** Gives the store of a bucket by its URL. */
export type OpenBucket = (bucketUrl: string, options?: { readonly region?: string }) => ObjectStore;

/**
 * Opens it; nothing is written.
 *
 * @throws {SluiceError} `NOT_FOUND`, `ACCESS_DENIED`: that the bucket is missing, or closed to these keys, shows now, and
 *   not in the first task
 */
export async function openRunBucket(openStore: OpenBucket, place: RunBucketPlace): Promise<RunBucket> {
  const { region } = place;
  const store = openStore(`s3://${place.bucket}`, region === undefined ? {} : { region });
  const prefix = `${place.prefix}/${place.runId}/${place.label}`;
  await store.head(`${prefix}/`);
  const relay = createFileRelay({ store, prefix });
  const code = createCodeUpload(store, prefix);
  const close = async (): Promise<void> => {
    await code.close();
    // The relay deletes whatever lies under the prefix, and not only what it wrote.
    await relay.close();
  };
  return { store, prefix, relay, code, close };
}
