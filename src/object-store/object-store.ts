/** Identity and size of one object. */
export interface ObjectInfo {
  /** Key within the store's bucket, never percent-encoded: {@link ObjectStore} says what it may be. */
  readonly key: string;
  /** Size in bytes. */
  readonly size: number;
  /** Entity tag without quotes: changes whenever the content does. */
  readonly etag: string;
  /** As the store says it; of an object just written, this machine's clock. */
  readonly lastModifiedMs: number;
  /** CRC-32 of the whole content, as zlib counts it, where the store keeps one and tells it. */
  readonly crc32?: number;
  /** Its CRC-32C, likewise. */
  readonly crc32c?: number;
}

/**
 * Inclusive byte range, as in RFC 9110: `{ start: 0, end: 99 }` is the first hundred bytes. An end behind the object's
 * end gives what there is; a start behind it, as any is in an object of no bytes, or an end before the start is
 * `INVALID_OPTIONS`.
 */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface GetOptions {
  readonly range?: ByteRange;
  /** Read only this version; another one is `PRECONDITION_FAILED`. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  /** Write only if no object has the key; otherwise `PRECONDITION_FAILED`. */
  readonly ifAbsent?: boolean;
  /** Replace only this version; otherwise `PRECONDITION_FAILED`. */
  readonly ifMatch?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/**
 * Gives exactly the bytes of one part of an object that is being written.
 *
 * @param spare what an earlier call gave, and nobody needs any more: its memory may be filled again
 */
export type ReadPart = (range: ByteRange, spare?: Uint8Array) => Promise<Uint8Array>;

/**
 * One bucket of an object store: the seam through which staging, spilled payloads and (later) mailboxes and
 * checkpoints reach S3, GCS or memory.
 *
 * Every method rejects with a SluiceError: `NOT_FOUND` (object or bucket, both named), `ACCESS_DENIED`,
 * `PRECONDITION_FAILED`, `INVALID_OPTIONS` (a request that can never work), `TRANSFER_FAILED` (broken off, changed on
 * the way, checksum), `SERVICE_FAILED` (after the store's own retries), or with `signal.reason` once aborted. Writes
 * are atomic: an object appears whole or not at all; one that was retried because its answer got lost counts as done
 * by this caller, never as `PRECONDITION_FAILED` against itself.
 *
 * A key is 1 to 1,024 bytes of Unicode text; another one is `INVALID_OPTIONS` before anything is sent. Every character
 * stands for itself: `/`, `..`, `%2F`, spaces and control characters mean nothing, and no two ways to write a letter
 * are the same key. Amazon S3, local-cloud and memory take all of them; a server that refuses some of the control
 * characters (radosgw: NUL) answers `INVALID_OPTIONS` or `SERVICE_FAILED`.
 */
export interface ObjectStore {
  /** URL of the bucket without a trailing slash, e.g. `s3://my-bucket`. */
  readonly url: string;
  /** The bytes of an object, whole or a range; small objects and single parts only, as they are held in memory. */
  get(key: string, options?: GetOptions): Promise<Uint8Array>;
  /** The object as chunks, checksums verified before the last one is given; bounded memory whatever its size. */
  getStream(
    key: string,
    options?: GetOptions,
  ): Promise<{ readonly info: ObjectInfo; readonly chunks: AsyncIterable<Uint8Array> }>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectInfo>;
  /**
   * Writes a large object in parts, in parallel; `read(range)` gives exactly the bytes of one part, and what it throws
   * is what this rejects with. On failure no part is left behind.
   */
  putParts(key: string, size: number, read: ReadPart, options?: PutOptions): Promise<ObjectInfo>;
  /** `undefined` when the object does not exist; a missing bucket is still `NOT_FOUND`. */
  head(key: string, options?: { signal?: AbortSignal }): Promise<ObjectInfo | undefined>;
  /** Objects under `prefix` in key order (UTF-8 bytes), those after `startAfter` only; pages are fetched as they are consumed. */
  listAfter(prefix: string, options?: { startAfter?: string; signal?: AbortSignal }): AsyncIterable<ObjectInfo>;
  /** Deletes the keys, in batches; a key without an object counts as deleted. Rejects naming those that could not be. */
  deleteMany(keys: readonly string[], options?: { signal?: AbortSignal }): Promise<void>;
  /** A URL that lets its bearer do one thing with one object until it expires. Treat it as a secret. */
  presign(key: string, options: { method: 'GET' | 'PUT'; expiresInSeconds: number }): Promise<string>;
  /** Ends idle connections. Idempotent; calls after it are the caller's error. */
  close(): Promise<void>;
}
