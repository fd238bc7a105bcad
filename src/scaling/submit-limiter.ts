/** How many jobs may be submitted, at most, in any second and in any minute. */
export interface SubmitLimits {
  /** Default: 10. */
  readonly perSecond: number;
  /** Default: 60: one a second in the long run, which schedulers of clusters bear. */
  readonly perMinute: number;
}

export const DEFAULT_SUBMIT_LIMITS: SubmitLimits = { perSecond: 10, perMinute: 60 };

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Keeps submissions within limits over sliding windows, so that no burst falls between two of them. Pure: the clock is passed in. */
export class SubmitLimiter {
  readonly #limits: SubmitLimits;
  // Times of the last minute, the oldest first.
  #submitsMs: readonly number[] = [];

  constructor(limits: SubmitLimits) {
    this.#limits = limits;
  }

  /** Jobs that may be submitted now. */
  allowed(nowMs: number): number {
    const { perSecond, perMinute } = this.#limits;
    return Math.max(0, Math.min(perSecond - this.#since(nowMs, SECOND_MS), perMinute - this.#since(nowMs, MINUTE_MS)));
  }

  take(nowMs: number): void {
    this.#submitsMs = [...this.#submitsMs.filter((atMs) => atMs > nowMs - MINUTE_MS), nowMs];
  }

  /** The first time from now on at which one is allowed, if none goes before. */
  nextMs(nowMs: number): number {
    const { perSecond, perMinute } = this.#limits;
    return Math.max(nowMs, this.#freeMs(perSecond, SECOND_MS), this.#freeMs(perMinute, MINUTE_MS));
  }

  #since(nowMs: number, windowMs: number): number {
    return this.#submitsMs.filter((atMs) => atMs > nowMs - windowMs).length;
  }

  /** When the one leaves the window that has to, for another to fit. */
  #freeMs(limit: number, windowMs: number): number {
    const blocking = this.#submitsMs.at(-limit);
    return blocking === undefined ? Number.NEGATIVE_INFINITY : blocking + windowMs;
  }
}
