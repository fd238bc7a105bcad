import type { StoredObject } from '../../store/object-table.js';
import type { Checksum } from '../checksums/checksum.js';

/** What a client says of an object beside its bytes, and gets back with it. */
export interface ObjectHeaders {
  /** `content-type`, `cache-control` and their like, by lower-case name. */
  readonly system: Readonly<Record<string, string>>;
  /** Without the `x-amz-meta-`, by lower-case name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Everything about one object, as it lies on disk; its bytes are in the segments' files. */
export interface ObjectRecord extends ObjectHeaders, StoredObject {
  /** Size in bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly checksum: Checksum;
  /** The multipart upload it came from. */
  readonly uploadId?: string;
}
