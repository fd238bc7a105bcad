import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.js';

/** How often and how long one request is tried. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** Ceiling of the wait before the second attempt, in milliseconds; it doubles with every further one. */
  readonly baseDelayMs: number;
  /** Ceiling of any wait, in milliseconds. */
  readonly maxDelayMs: number;
  /** Time for all attempts and waits together, in milliseconds; a running attempt is aborted at its end. */
  readonly deadlineMs: number;
}

/** Six attempts in at most two minutes. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 6,
  baseDelayMs: 100,
  maxDelayMs: 5_000,
  deadlineMs: 120_000,
};

/** For going on where something broke off: whoever was there once is waited for, about half a minute. */
export const PATIENT_RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  baseDelayMs: 200,
  maxDelayMs: 15_000,
  deadlineMs: 120_000,
};

/** Lets attempts begin. */
export interface Gate {
  /**
   * A place for one attempt, at once where there is room. Rejects with `signal.reason` once aborted.
   *
   * @param turn `again` goes before all whose `first` it is
   */
  enter(signal: AbortSignal | undefined, turn: 'first' | 'again'): GatePlace | Promise<GatePlace>;
}

/** Told how the attempt in it went. */
export interface GatePlace {
  succeeded(result: unknown): void;
  failed(error: unknown): void;
}

export interface RetryingOptions {
  readonly policy: RetryPolicy;
  /** Whether another attempt could end otherwise. */
  readonly isTransient: (error: unknown) => boolean;
  /** Names the request in the error of a missed deadline. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** How long the service asks to be left alone after this failure, in milliseconds. Default: it does not. */
  readonly askedWaitMs?: (error: unknown) => number | undefined;
  /** What each attempt has to pass before. Waiting for the first time counts for no deadline. Default: nothing. */
  readonly gate?: Gate | undefined;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or the policy is spent; then rejects with the last error.
 *
 * Rejects with `signal.reason` once aborted, with `SERVICE_FAILED` at the deadline. The signal given to `attempt` is
 * valid until this settles.
 */
export async function retrying<T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  { policy, isTransient, what, signal, askedWaitMs, gate }: RetryingOptions,
): Promise<T> {
  const entered = gate?.enter(signal, 'first');
  let place = entered instanceof Promise ? await entered : entered;
  const limit = limitTime(policy.deadlineMs, what, signal);
  try {
    for (let count = 1; ; count += 1) {
      let waitMs: number;
      try {
        limit.signal.throwIfAborted();
        const result = await attempt(limit.signal);
        place?.succeeded(result);
        return result;
      } catch (error) {
        place?.failed(error);
        limit.signal.throwIfAborted();
        if (count >= policy.attempts || !isTransient(error)) throw error;
        const askedMs = askedWaitMs?.(error) ?? 0;
        // No time would be left for another attempt.
        if (askedMs > 0 && askedMs >= limit.restMs()) throw error;
        waitMs = Math.max(backOffMs(policy, count), askedMs);
      }
      await sleep(waitMs, undefined, { signal: limit.signal }).catch(() => undefined);
      limit.signal.throwIfAborted();
      place = await gate?.enter(limit.signal, 'again');
    }
  } finally {
    limit.dispose();
  }
}

/**
 * Wait after the `failures`-th failure, in milliseconds: exponential with full jitter.
 *
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
 */
export function backOffMs(policy: RetryPolicy, failures: number, random: () => number = Math.random): number {
  return random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (failures - 1));
}

// Not AbortSignal.any: on Node 20 each combined signal stays attached to a long-lived source.
function limitTime(deadlineMs: number, what: string, signal: AbortSignal | undefined): LimitedTime {
  const controller = new AbortController();
  const endsAtMs = performance.now() + deadlineMs;
  const timer = setTimeout(() => {
    controller.abort(new SluiceError('SERVICE_FAILED', `${what}: no complete answer within ${deadlineMs} ms`));
  }, deadlineMs);
  const onAbort = () => controller.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    restMs: () => endsAtMs - performance.now(),
    dispose: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

interface LimitedTime {
  readonly signal: AbortSignal;
  /** What is left of it, in milliseconds. */
  restMs(): number;
  dispose(): void;
}
