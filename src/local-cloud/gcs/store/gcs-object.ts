import type { StoredObject } from '../../store/object-table.js';

/** What a client says of an object beside its bytes, under the names of the JSON API's object resource. */
export interface ObjectFacts {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly customTime?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Everything about one object, as it lies on disk; its bytes are in the segments' files. */
export interface ObjectRecord extends StoredObject {
  readonly facts: ObjectFacts;
  /** Size in bytes. */
  readonly size: number;
  /** Grows with every write of any object in the bucket. */
  readonly generation: number;
  /** Version of the facts, from 1 in each generation. */
  readonly metageneration: number;
  readonly createdMs: number;
  readonly updatedMs: number;
  /** Base64 of the big-endian sum. */
  readonly crc32c: string;
  /** Base64; objects that were put together have none. */
  readonly md5Hash?: string;
  /** Of an object that was composed: how many objects went into it. */
  readonly componentCount?: number;
  /** The upload it came from, where that took several requests. */
  readonly uploadId?: string;
}

/** A record, but for what it gets when it is published. */
export type NewObject = Omit<ObjectRecord, 'generation' | 'metageneration' | 'createdMs' | 'updatedMs'>;
