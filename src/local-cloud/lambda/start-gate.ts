import { availableParallelism } from 'node:os';

// Each start keeps a core busy for a tenth of a second or two.
const STARTS_PER_CORE = 2;
const LONGEST_STAY_MS = 500;

/**
 * Lets a few processes start at a time, so that of hundreds the first are ready soon: started all at once, none is
 * ready before all are, and each takes as long as all. Who waits for something else in its init holds up nobody for
 * longer than half a second.
 */
export class StartGate {
  readonly #most: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number = STARTS_PER_CORE * availableParallelism()) {
    this.#most = most;
  }

  /** Resolves when it is the caller's turn, first come, first served. Call what it gives when the start is over. */
  async enter(): Promise<() => void> {
    if (this.#inside >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inside += 1;
    let isOut = false;
    const leave = (): void => {
      if (isOut) return;
      isOut = true;
      clearTimeout(timer);
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    };
    const timer = setTimeout(leave, LONGEST_STAY_MS).unref();
    return leave;
  }
}
