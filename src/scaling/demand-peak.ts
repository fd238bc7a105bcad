/**
 * The highest demand within a time that has just passed. Each observation holds until the next one.
 *
 * Without it, a client that waits for each task before it submits the next would have none every now and then, and lose
 * a block that is still in its queue.
 */
export class DemandPeak {
  readonly #windowMs: number;
  // Values fall from the first to the last, which is the present one; `heldUntilMs` is when each was last true.
  #held: { readonly slots: number; heldUntilMs: number }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes note of the demand now, and returns the peak. */
  observe(slots: number, nowMs: number): number {
    const present = this.#held.at(-1);
    if (present !== undefined) present.heldUntilMs = nowMs;
    const higher = this.#held.filter((held) => held.slots > slots && held.heldUntilMs > nowMs - this.#windowMs);
    this.#held = [...higher, { slots, heldUntilMs: nowMs }];
    return this.#held[0]?.slots ?? slots;
  }
}
