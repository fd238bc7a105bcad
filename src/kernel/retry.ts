import type { ErrorClass } from '../errors.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 20_000;

/**
 * How long to wait before an attempt is repeated, in milliseconds: nothing after a failure of the user's code;
 * after an infrastructure failure exponential back-off with full jitter, 0.1 s to 20 s
 * (AWS Architecture Blog, "Exponential Backoff And Jitter").
 *
 * @param random a number in [0, 1)
 */
export function retryDelayMs(failure: { class: ErrorClass; attempt: number; random: number }): number {
  if (failure.class !== 'infrastructure') return 0;
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failure.attempt - 1));
  return Math.ceil(ceiling * failure.random);
}
