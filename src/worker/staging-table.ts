import { createGcsStaging } from '../data/gcs/gcs-staging.js';
import { lazyStaging } from '../data/lazy-staging.js';
import { createLocalStaging } from '../data/local/local-staging.js';
import { createS3Staging } from '../data/s3/s3-staging.js';
import type { Staging } from '../data/staging.js';
import { BUILT_IN_STAGINGS, type BuiltInStaging } from '../data/storage-access.js';
import { SluiceError } from '../errors.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { type EntryOptions, LATE_STAGINGS } from './late-stagings.js';

/** The store of a bucket by its URL, with options of an entry where there are any. */
export type OpenStoreWith = (bucketUrl: string, options?: EntryOptions) => ObjectStore;

type Create = (options: EntryOptions | undefined, openStore: OpenStoreWith) => Staging;

/** Stagings that most tasks with files need. A new scheme is one row here, or of {@link LATE_STAGINGS}. */
const STAGINGS: Readonly<Partial<Record<BuiltInStaging, Create>>> = {
  file: () => createLocalStaging(),
  s3: (options, openStore) => createS3Staging({ openStore: (bucket) => openStore(`s3://${bucket}`, options) }),
  gcs: (options, openStore) => createGcsStaging({ openStore: (bucket) => openStore(`gs://${bucket}`, options) }),
};

/**
 * One that comes with Sluice. What its options leave out is as the environment of this process says; so is all of one without
 * any. @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createBuiltIn(name: BuiltInStaging, given: EntryOptions, openStore: OpenStoreWith): Staging {
  const options = Object.keys(given).length === 0 ? undefined : given;
  const create = STAGINGS[name];
  if (create !== undefined) return create(options, openStore);
  const late = LATE_STAGINGS.find(({ declared }) => declared.name === name);
  if (late === undefined) throw new SluiceError('PROTOCOL', `this worker knows no staging '${name}'`);
  return lazyStaging(late.declared, () => late.open(options));
}

/** All that come with Sluice, as the environment says. */
export function createBuiltIns(openStore: OpenStoreWith): readonly Staging[] {
  return BUILT_IN_STAGINGS.map((name) => createBuiltIn(name, {}, openStore));
}
