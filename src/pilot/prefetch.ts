/** Tasks at hand should keep the workers busy for about this long: many times what a message takes. */
const BUSY_MS = 20;
const MOST = 4_000;
const WEIGHT_OF_THE_LATEST = 0.05;
/** What a task costs its worker beside the user's code. */
const OVERHEAD_MS = 0.03;

/**
 * How many tasks a manager wants beyond its slots: enough that no worker waits for the next one, and so few that none
 * waits here while it could run elsewhere. That is a matter of how long tasks take, as far as they have been seen.
 */
export class Prefetch {
  readonly #slots: number;
  readonly #fixed: number | undefined;
  #meanMs: number | undefined;
  #said = 0;

  /** @param wish a number that does not change, or `auto` */
  constructor(slots: number, wish: number | 'auto') {
    this.#slots = slots;
    this.#fixed = wish === 'auto' ? undefined : wish;
    this.#said = this.#fixed ?? 0;
  }

  /** What the interchange was told last. */
  get said(): number {
    return this.#said;
  }

  /** A task took so long. */
  observe(runMs: number): void {
    const tookMs = runMs + OVERHEAD_MS;
    this.#meanMs = this.#meanMs === undefined ? tookMs : this.#meanMs + (tookMs - this.#meanMs) * WEIGHT_OF_THE_LATEST;
  }

  /** Wanted now. @param busyForMs how long every worker has been at its task, at least: what comes may be of that kind */
  wanted(busyForMs: number): number {
    if (this.#fixed !== undefined) return this.#fixed;
    if (this.#meanMs === undefined) return 0;
    return Math.min(MOST, Math.floor((this.#slots * BUSY_MS) / Math.max(this.#meanMs, busyForMs)));
  }

  /** What to tell the interchange, if it differs much from what it was told last. */
  news(busyForMs: number): number | undefined {
    const wanted = this.wanted(busyForMs);
    if (wanted === this.#said || (wanted > this.#said / 2 && wanted < this.#said * 2)) return undefined;
    this.#said = wanted;
    return wanted;
  }
}
