import { SluiceError } from '../errors.js';
import type { ScalingClock } from './clock.js';

/** A call that must not take for ever. */
export interface DeadlineOptions<T> {
  readonly clock: ScalingClock;
  readonly ms: number;
  /** Also ends it. */
  readonly signal: AbortSignal;
  /** Names the call in the error: `submit of provider 'slurm'`. */
  readonly what: string;
  /** Gets the answer that comes after all, when nobody waits for it any more. */
  readonly late?: (value: T) => void;
}

/**
 * What a call answers within its time. Otherwise its signal is aborted, and the promise rejects with `COMMAND_FAILED`, or
 * with the reason of the signal it was given, whether the call heeds its own or not.
 */
export function withinDeadline<T>(options: DeadlineOptions<T>, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, signal, what, late } = options;
  const stop = new AbortController();
  return new Promise<T>((resolve, reject) => {
    let waiting = true;
    const end = (settle: () => void): void => {
      if (!waiting) return;
      waiting = false;
      forget();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const give = (reason: unknown): void => {
      end(() => reject(reason));
      stop.abort(reason);
    };
    const onAbort = (): void => give(signal.reason);
    const forget = clock.later(ms, () =>
      give(new SluiceError('COMMAND_FAILED', `${what} did not answer within ${ms / 1000} s`)),
    );
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    call(stop.signal).then(
      (value) => (waiting ? end(() => resolve(value)) : late?.(value)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}
