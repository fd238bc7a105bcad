import type { ObjectStore } from '../../object-store/object-store.js';

/** What the suite tests: a store over an empty bucket of its own. */
export interface ObjectStoreFixture {
  readonly store: ObjectStore;
  /** A store over a bucket that does not exist, where the backend knows such a thing. */
  readonly missingBucket?: ObjectStore;
  /** Uploads begun and not ended, where the backend can count them. */
  readonly openUploads?: () => Promise<number>;
  /** What a stand-in is known not to do. The suite asserts each as it is said here, so that a gap that closed shows. */
  readonly gaps?: KnownGaps;
  close(): Promise<void>;
}

/** Gaps of servers that others wrote; a store that is used for work has none. */
export interface KnownGaps {
  /** An upload in parts replaces the object whatever version it names. */
  readonly ignoresVersionOfParts?: true;
  /** An upload in parts replaces the object also when it wants the key absent. */
  readonly ignoresAbsenceForParts?: true;
  /** A write that names a version is refused also when it is the right one. */
  readonly refusesEveryVersion?: true;
  /** A presigned URL is good for ever, and whatever is changed in it. */
  readonly trustsEveryUrl?: true;
  /** Keys that are refused though the contract has them, with the code that says so. */
  readonly refusedKeys?: Readonly<Record<string, string>>;
}

/** Registers one test of the suite. */
export type Check = (title: string, body: (fixture: ObjectStoreFixture) => Promise<void>) => unknown;
