/**
 * A clock that stands still while its own process does: whoever was stopped or computed for minutes must not take its
 * peers for silent, whose messages lie in its sockets.
 */
export class AwakeClock {
  readonly #stepMs: number;
  #readAtMs: number;
  #awakeMs = 0;

  /** @param stepMs how often {@link tick} is called, in milliseconds */
  constructor(stepMs: number, nowMs: number) {
    this.#stepMs = stepMs;
    this.#readAtMs = nowMs;
  }

  /** Time this process was awake, in milliseconds, as of the last tick. */
  get awakeMs(): number {
    return this.#awakeMs;
  }

  /** Goes on, by two steps at most. */
  tick(nowMs: number): void {
    this.#awakeMs += Math.min(nowMs - this.#readAtMs, 2 * this.#stepMs);
    this.#readAtMs = nowMs;
  }
}

/** How often links look at the clock: often enough that nobody is taken for silent who sends a heartbeat in time. */
export function tickMsFor(heartbeatMs: number): number {
  return Math.min(1_000, Math.max(10, heartbeatMs / 4));
}
