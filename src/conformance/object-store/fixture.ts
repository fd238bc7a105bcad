import type { ObjectStore } from '../../object-store/object-store.js';

/** What the suite tests: a store over an empty bucket of its own. */
export interface ObjectStoreFixture {
  readonly store: ObjectStore;
  /** A store over a bucket that does not exist, where the backend knows such a thing. */
  readonly missingBucket?: ObjectStore;
  /** Uploads begun and not ended, where the backend can count them. */
  readonly openUploads?: () => Promise<number>;
  /** A stand-in's known gap: it takes uploads in parts whatever version they name. The suite asserts that it does. */
  readonly ignoresVersionOfParts?: true;
  close(): Promise<void>;
}

/** Registers one test of the suite. */
export type Check = (title: string, body: (fixture: ObjectStoreFixture) => Promise<void>) => unknown;
