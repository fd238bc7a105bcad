/** A failed attempt, as a {@link RetryPolicy} is asked about it. */
export interface FailedAttempt {
  /** What the app threw, or what became of its worker. */
  readonly error: unknown;
  /** Failures of class `usage` are never repeated, and no policy is asked. */
  readonly class: 'app' | 'infrastructure';
  readonly appName: string;
  readonly taskId: number;
  /** Counts from 1 over all retries. */
  readonly attempt: number;
  /** Label of the executor it ran on; `undefined` for the body of a join, which runs in the client. */
  readonly executor: string | undefined;
}

/**
 * What repeating failed attempts costs, and how it is done. A function that throws, or returns something that is no
 * such number, ends the task with that error; its `cause` is the error of the attempt.
 */
export interface RetryPolicy {
  /**
   * What a failure takes from its budget (`retries`, or `infrastructureRetries` for its class); the task is repeated
   * while the budget covers it. 0.5 doubles the tries, `Infinity` ends them; what costs less than 1 ends after 1,000.
   * Default: 1.
   */
  cost?(failure: FailedAttempt): number;
  /**
   * The longest wait before a failure of the app is repeated, in milliseconds; the wait is a random part of it ("full
   * jitter"), so that what failed together does not come back together. Failures of infrastructure have a back-off of
   * their own. Default: none.
   */
  backoffMs?(failure: FailedAttempt): number;
  /** Whether the next attempt goes to another executor than the last one, where the app may run on another. Default: false. */
  readonly elsewhere?: boolean;
}
