import { setTimeout as sleep } from 'node:timers/promises';
import { backOffMs, DEFAULT_RETRY_POLICY, PATIENT_RETRY_POLICY } from '../object-store/retry-policy.js';

export interface PersistingOptions {
  /** Whether another attempt could end otherwise. */
  readonly isTransient: (error: unknown) => boolean;
  /** Grows with what has been reached: bytes, or requests. */
  readonly progress: () => number;
  readonly signal: AbortSignal;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed again and again without any progress. So a transfer over
 * a line that breaks often goes on for as long as it gets ahead. Watching for silence is the attempt's own.
 *
 * Rejects with the last error, or with `signal.reason` once aborted.
 */
export async function persisting<T>(
  { isTransient, progress, signal }: PersistingOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let fruitless = 0; ; ) {
    const before = progress();
    const policy = before > 0 ? PATIENT_RETRY_POLICY : DEFAULT_RETRY_POLICY;
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      fruitless = progress() === before ? fruitless + 1 : 1;
      if (!isTransient(error) || fruitless >= policy.attempts) throw error;
    }
    await sleep(backOffMs(policy, fruitless), undefined, { signal }).catch(() => undefined);
  }
}
