import { createHash } from 'node:crypto';
import type { Checksum } from '../checksums/checksum.js';
import type { Segment } from './data-files.js';

/** What a client says of an object beside its bytes, and gets back with it. */
export interface ObjectHeaders {
  /** `content-type`, `cache-control` and their like, by lower-case name. */
  readonly system: Readonly<Record<string, string>>;
  /** Without the `x-amz-meta-`, by lower-case name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Everything about one object, as it lies on disk; its bytes are in the segments' files. */
export interface ObjectRecord extends ObjectHeaders {
  readonly key: string;
  /** Size in bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly checksum: Checksum;
  /** One, or one a part where the object was uploaded in parts. */
  readonly segments: readonly Segment[];
  /** The multipart upload it came from. */
  readonly uploadId?: string;
}

/** File name for a key: of fixed length and plain characters, whatever the key holds. */
export function fileNameOfKey(key: string): string {
  return `${createHash('sha256').update(key).digest('hex')}.json`;
}
