const FIRST_LIMIT = 64;

/**
 * What has not been refused by then has been let in, in milliseconds. From 64 to 1,000 takes a second so, no faster than
 * Lambda lets one function grow (AWS Lambda Developer Guide, "Concurrency scaling rate": 1,000 every ten seconds).
 */
export const REFUSED_WITHIN_MS = 250;

/** The place of one invocation among those under way. */
export interface Place {
  /** Whether it has counted as a success. */
  counted: boolean;
  /** Cuts of the limit before it was taken. */
  readonly cuts: number;
  /** How many were under way when it was taken, itself included. */
  readonly underWay: number;
}

/**
 * How many invocations may be under way, learnt from answers as TCP learns a window: it doubles with every round of
 * successes until the first refusal, which halves it; from then on it grows by one a round. A refusal comes at once: who
 * has waited for {@link REFUSED_WITHIN_MS} counts as a success before its answer, so that long tasks are no slower start.
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
  take(): Place {
    this.#inFlight += 1;
    return { counted: false, cuts: this.#cuts, underWay: this.#inFlight };
  }

  /** Learns that the place has not been refused; call it after {@link REFUSED_WITHIN_MS} without an answer. */
  letIn(place: Place): void {
    if (place.counted) return;
    place.counted = true;
    this.#limit = Math.min(this.#max, this.#limit + (this.#exploring ? 1 : 1 / this.#limit));
  }

  /** Gives a place back, and learns from how it went. */
  release(place: Place, answer: 'answered' | 'throttled' | 'failed'): void {
    // A refusal may be the first answer of a crowd or, where tasks are short, the last.
    const underWay = Math.max(place.underWay, this.#inFlight);
    this.#inFlight -= 1;
    if (answer === 'answered') this.letIn(place);
    if (answer !== 'throttled' || place.cuts !== this.#cuts) return;
    this.#cuts += 1;
    this.#exploring = false;
    this.#limit = Math.max(1, Math.min(this.#limit, underWay) / 2);
  }
}
