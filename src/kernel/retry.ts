import { type ErrorClass, errorClassOf, SluiceError } from '../errors.js';
import type { FailedAttempt, RetryPolicy } from './retry-policy.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 20_000;
// Node's timers hold 2^31 - 1 ms at most, and fire at once when given more.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Why an attempt failed, and what the rule book needs to know to decide about the next one. */
export interface AttemptFailure {
  readonly error: unknown;
  readonly class: ErrorClass;
  readonly cost: number;
  readonly delayMs: number;
}

/** What the kernel knows of a failed attempt besides its error. */
export type FailedPlace = Omit<FailedAttempt, 'error' | 'class'>;

/**
 * What a failure costs, and how long to wait before it is repeated: asks the policy, if there is one. Never throws:
 * a policy that does ends the task.
 *
 * @param random a number in [0, 1)
 */
export function judgeFailure(
  error: unknown,
  place: FailedPlace,
  policy: RetryPolicy | undefined,
  random: number,
): AttemptFailure {
  const errorClass = errorClassOf(error);
  if (policy === undefined || errorClass === 'usage') {
    const delayMs = retryDelayMs({ class: errorClass, attempt: place.attempt, random });
    return { error, class: errorClass, cost: 1, delayMs };
  }
  try {
    const { taskId, appName, attempt, executor } = place;
    const failure: FailedAttempt = { error, class: errorClass, appName, taskId, attempt, executor };
    const cost = policy.cost === undefined ? 1 : amount('cost', policy.cost(failure), Number.POSITIVE_INFINITY);
    if (errorClass === 'infrastructure' || policy.backoffMs === undefined) {
      return { error, class: errorClass, cost, delayMs: retryDelayMs({ class: errorClass, attempt, random }) };
    }
    const longest = amount('backoffMs', policy.backoffMs(failure), LONGEST_TIMER_MS);
    return { error, class: errorClass, cost, delayMs: Math.ceil(longest * random) };
  } catch (thrown) {
    return { error: causedBy(thrown, error), class: 'usage', cost: 1, delayMs: 0 };
  }
}

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

function amount(what: keyof RetryPolicy, value: unknown, largest: number): number {
  if (typeof value === 'number' && value >= 0 && value <= largest) return value;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `the retry policy's ${what} returned ${String(value)}: it has to be a number from 0 to ${largest}`,
  );
}

// What the policy threw is the end of the task; the attempt's own error must not be lost behind it.
function causedBy(thrown: unknown, cause: unknown): unknown {
  if (!(thrown instanceof Error) || thrown.cause !== undefined || thrown === cause) return thrown;
  try {
    Object.defineProperty(thrown, 'cause', { value: cause, enumerable: false, configurable: true, writable: true });
  } catch {
    // A frozen error stays as it is.
  }
  return thrown;
}
