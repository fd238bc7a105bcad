/** The place of one request among those under way. */
export interface Place {
  /** Whether it has counted as a success. */
  counted: boolean;
  /** Cuts of the limit before it was taken. */
  readonly cuts: number;
  /** How many were under way when it was taken, itself included. */
  readonly underWay: number;
}

/**
 * How a request went: `throttled`, the service refused it for load; `broken`, its connection broke or went silent;
 * `failed`, otherwise than well, which says nothing about load.
 */
export type PlaceAnswer = 'answered' | 'throttled' | 'broken' | 'failed';

/**
 * How many requests may be under way, learnt from answers as TCP learns a window: it doubles with every round of
 * successes until the first refusal, which halves it; from then on it grows by one a round. A broken connection, which
 * may have other reasons, takes a quarter.
 */
export class AdaptiveLimit {
  #most: number;
  #limit: number;
  #inFlight = 0;
  #exploring = true;
  // Refusals of requests sent before the last cut say nothing new.
  #cuts = 0;

  /** @param first what it is before anything is known */
  constructor(most: number, first: number) {
    this.#most = most;
    this.#limit = Math.min(most, first);
  }

  /** How many may be under way now. */
  get current(): number {
    return Math.floor(this.#limit);
  }

  get hasRoom(): boolean {
    return this.#inFlight < this.current;
  }

  /** Lets it grow up to `most`, where it could not before. */
  raise(most: number): void {
    this.#most = Math.max(this.#most, most);
  }

  /** Takes a place; give the answer to {@link release}. */
  take(): Place {
    this.#inFlight += 1;
    return { counted: false, cuts: this.#cuts, underWay: this.#inFlight };
  }

  /** Learns that the place has not been refused, before its answer is there. */
  letIn(place: Place): void {
    if (place.counted) return;
    place.counted = true;
    this.#limit = Math.min(this.#most, this.#limit + (this.#exploring ? 1 : 1 / this.#limit));
  }

  /** One of the places does not count for now, as nothing moves there. */
  suspend(): void {
    this.#inFlight -= 1;
  }

  /** It counts again, whether there is room or not. */
  resume(): void {
    this.#inFlight += 1;
  }

  /** Gives a place back, and learns from how it went. */
  release(place: Place, answer: PlaceAnswer): void {
    // A refusal may be the first answer of a crowd or, where tasks are short, the last.
    const underWay = Math.max(place.underWay, this.#inFlight);
    this.#inFlight -= 1;
    if (answer === 'answered') this.letIn(place);
    if (answer === 'answered' || answer === 'failed' || place.cuts !== this.#cuts) return;
    this.#cuts += 1;
    this.#exploring = false;
    this.#limit = Math.max(1, Math.min(this.#limit, underWay) * KEPT[answer]);
  }
}

const KEPT = { throttled: 1 / 2, broken: 3 / 4 };
