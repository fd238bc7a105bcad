const FIRST_LIMIT = 64;

/**
 * How many invocations may be under way, learnt from answers as TCP learns a window: it doubles with every round of
 * successes until the first refusal, which halves it; from then on it grows by one a round.
 */
export class AdaptiveLimit {
  readonly #max: number;
  #limit: number;
  #inFlight = 0;
  #exploring = true;
  // Refusals of requests sent before the last cut say nothing new.
  #cuts = 0;

  constructor(max: number) {
    this.#max = max;
    this.#limit = Math.min(max, FIRST_LIMIT);
  }

  /** How many may be under way now. */
  get current(): number {
    return Math.floor(this.#limit);
  }

  get hasRoom(): boolean {
    return this.#inFlight < this.current;
  }

  /** Takes a place; give the answer to {@link release}. */
  take(): number {
    this.#inFlight += 1;
    return this.#cuts;
  }

  /** Gives a place back, and learns from how it went. */
  release(taken: number, answer: 'answered' | 'throttled' | 'failed'): void {
    const inFlight = this.#inFlight;
    this.#inFlight -= 1;
    if (answer === 'answered') this.#limit = Math.min(this.#max, this.#limit + (this.#exploring ? 1 : 1 / this.#limit));
    if (answer !== 'throttled' || taken !== this.#cuts) return;
    this.#cuts += 1;
    this.#exploring = false;
    this.#limit = Math.max(1, Math.min(this.#limit, inFlight) / 2);
  }
}
