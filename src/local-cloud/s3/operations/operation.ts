import type { Address, S3Request } from '../s3-request.js';
import type { Buckets } from '../store/buckets.js';

/** What operations work on. */
export interface S3Context {
  readonly buckets: Buckets;
  /** That the request is signed for, or the first one. */
  readonly region: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** One operation of the S3 API: which requests are it, and what it does. */
export interface Operation {
  /** As in the API reference. */
  readonly name: string;
  readonly on: Address['kind'];
  readonly method: string;
  /** Query parameters, and a header, without which a request is not this operation. */
  readonly needs?: readonly string[];
  readonly needsHeader?: string;
  /** Further query parameters it understands. Any other is refused. */
  readonly takes?: readonly string[];
  /** Answers the request, or throws S3Error before anything was sent. */
  run(request: S3Request, context: S3Context): Promise<void>;
}

/** Bucket a request is about; only for operations that are not `on: 'service'`. */
export function bucketName(request: S3Request): string {
  return request.address.kind === 'service' ? '' : request.address.bucket;
}

/** Key a request is about; only for operations `on: 'object'`. */
export function objectKey(request: S3Request): string {
  return request.address.kind === 'object' ? request.address.key : '';
}
