import type { GcsApi, GcsRequest } from '../gcs-request.js';
import { wholeNumber } from '../preconditions.js';
import type { GcsBucket } from '../store/gcs-bucket.js';
import type { GcsBuckets } from '../store/gcs-buckets.js';

/** What operations work on. */
export interface GcsContext {
  readonly buckets: GcsBuckets;
  /** The one project there is. */
  readonly project: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** One operation: which requests are it, and what it does. */
export interface Operation {
  /** As in the JSON API's reference: `storage.objects.get`; those it has no name for are named likewise. */
  readonly name: string;
  readonly api: GcsApi;
  readonly method: string;
  /** Segments of the path; `:name` stands for any one. */
  readonly path: string;
  /** Query parameters, `name` or `name=value`, and a header, without which a request is not this operation. */
  readonly needs?: readonly string[];
  readonly needsHeader?: string;
  /** Further query parameters it understands. One that no operation does is refused. */
  readonly takes?: readonly string[];
  /** Answers the request, or throws GcsError before anything was sent. */
  run(request: GcsRequest, context: GcsContext): Promise<void>;
}

/** The bucket a request names. @throws {GcsError} `notFound` */
export function bucketOf({ names }: GcsRequest, { buckets }: GcsContext): GcsBucket {
  return buckets.get(names.bucket ?? '');
}

/** Name of the object a request is about; only for operations whose path has `:object`. */
export function objectName({ names }: GcsRequest): string {
  return names.object ?? '';
}

/** The generation a request asks for; the live one when it names none. */
export function generationOf({ query }: GcsRequest): number | undefined {
  return wholeNumber(query, 'generation');
}
