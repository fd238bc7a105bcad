import type { ServiceName } from '../service-of.js';

/**
 * What goes wrong with a request.
 *
 * - `error`: it is answered with an error, before the service did anything or after all of it was done. Default: before,
 *   and the service's own 500 (`InternalError` of S3, `ServiceException` of Lambda, `internalError` of Cloud Storage).
 * - `throttleBurst`: it and those after it are refused for load (429 of Lambda and Cloud Storage, 503 SlowDown of S3),
 *   `requests` of them or for `forMs` milliseconds.
 * - `slow`: the answer begins after `latencyMs`, and comes at `bytesPerSecond`.
 * - `cut`: the connection is reset: in the middle of the `upload` (nothing was done), instead of the `answer`
 *   (everything was), or in the middle of the answer's `body`.
 * - `duplicate`: the invocation is run twice, as delivery at least once may do; one answer comes back.
 * - `coldStart`: the invocation gets a new environment, whose init takes `initMs` longer; a warm one is thrown away.
 * - `killEnvironment`, `outOfMemory`: the environment is killed `afterMs` after the function got the invocation, or just
 *   before it would answer, as by the platform or for its memory.
 */
export type Fault =
  | ErrorFault
  | { readonly kind: 'throttleBurst'; readonly requests?: number; readonly forMs?: number; readonly reason?: string }
  | { readonly kind: 'slow'; readonly latencyMs?: number; readonly bytesPerSecond?: number }
  | { readonly kind: 'cut'; readonly where: 'upload' | 'answer' | 'body' }
  | InvocationFault;

/** An error instead of the answer. */
export interface ErrorFault {
  readonly kind: 'error';
  readonly execution?: 'before' | 'after';
  /** The error's name. Those that the services document bring their status along. */
  readonly code?: string;
  /** HTTP status; needed with a code that is not documented. 200 with an error document is one of S3's own answers. */
  readonly status?: number;
  readonly message?: string;
  /** `Reason` of Lambda's TooManyRequestsException. Default: `ConcurrentInvocationLimitExceeded`. */
  readonly reason?: string;
  /** Value of Retry-After, in seconds. Default: 1 with status 429, none otherwise. */
  readonly retryAfterSeconds?: number;
}

/** What goes wrong with one invocation inside Lambda. */
export type InvocationFault =
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'coldStart'; readonly initMs?: number }
  | { readonly kind: 'killEnvironment'; readonly afterMs?: number }
  | { readonly kind: 'outOfMemory'; readonly afterMs?: number };

/**
 * One rule of a script: which requests, which of these, and what happens to them. Conditions that are left out hold
 * always; all that are given must hold at once.
 */
export interface FaultRule {
  /** What counts and the log call it. Default: its fault and place, such as `error[2]`. */
  readonly name?: string;
  readonly service?: ServiceName;
  /** As in the API reference: `PutObject`, `Invoke`, `storage.objects.get`; one or several. */
  readonly operation?: string | readonly string[];
  readonly functionName?: string;
  readonly bucket?: string;
  readonly keyPrefix?: string;
  /** Of the requests that match: this share, by the script's seeded random numbers. */
  readonly probability?: number;
  /** Of the requests that match: this one alone, counted from 1. */
  readonly nth?: number;
  /** Of the requests that match: each so manieth. */
  readonly every?: number;
  /** At most so often. A burst counts once. */
  readonly times?: number;
  /** For so many milliseconds from the moment the script was set. */
  readonly forMs?: number;
  readonly fault: Fault;
}

/** What a rule sees of a request. */
export interface FaultSubject {
  readonly service: ServiceName;
  readonly operation: string;
  readonly functionName?: string;
  readonly bucket?: string;
  readonly key?: string;
}

/** How often a rule was asked, and how many requests it spoilt. */
export interface FaultCount {
  readonly rule: string;
  readonly matched: number;
  readonly injected: number;
}

/** The script of faults of one local-cloud. */
export interface Faults {
  /**
   * Replaces the script, and begins anew: counts, random numbers, `nth`, `forMs`. The first rule that strikes wins, and
   * those behind it do not see the request. Requests under way keep the fault they have.
   *
   * @param options.seed of the random numbers: one seed, one sequence per rule. Default: 1.
   * @throws {SluiceError} `INVALID_OPTIONS`, naming every rule that does not fit.
   */
  set(rules: readonly FaultRule[], options?: { readonly seed?: number }): void;
  /** In the order of the rules. */
  counts(): readonly FaultCount[];
}
