/** When blocks are given up for a while. Times in milliseconds. */
export interface BreakerOptions {
  /** Blocks in a row that fail, or die as soon as they have started, before no more are submitted. Default: 3. */
  readonly failures: number;
  /** The first pause; each one that follows a failed trial is twice as long. Default: 10 s. */
  readonly pauseMs: number;
  /** The longest pause. Default: 10 min. */
  readonly longestPauseMs: number;
}

export const DEFAULT_BREAKER: BreakerOptions = { failures: 3, pauseMs: 10_000, longestPauseMs: 600_000 };

type BreakerState =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly untilMs: number; readonly pauses: number }
  /** One block is tried, and decides. */
  | { readonly kind: 'trial'; readonly blockId: string; readonly pauses: number };

/**
 * Stops the submission of blocks that fail one after the other: accounts have been banned from clusters for less. After
 * a pause one block is tried; the next pause is twice as long when that fails too. Pure: the clock is passed in.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = { kind: 'closed', failures: 0 };

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Blocks that may be submitted now. */
  allowed(nowMs: number): number {
    switch (this.#state.kind) {
      case 'closed':
        return Number.POSITIVE_INFINITY;
      case 'open':
        return nowMs >= this.#state.untilMs ? 1 : 0;
      case 'trial':
        return 0;
    }
  }

  /** When a block may be tried; `undefined` while none waits for a time. */
  nextMs(): number | undefined {
    return this.#state.kind === 'open' ? this.#state.untilMs : undefined;
  }

  /** Whether all is well, as far as is known. */
  get isClosed(): boolean {
    return this.#state.kind === 'closed';
  }

  submitted(blockId: string): void {
    if (this.#state.kind === 'open') this.#state = { kind: 'trial', blockId, pauses: this.#state.pauses };
  }

  /** A block works: whatever failed before, blocks can start. */
  worked(): void {
    this.#state = { kind: 'closed', failures: 0 };
  }

  /** A block failed. While a trial goes on only its own failure says something new: the others are older. */
  failed(blockId: string, nowMs: number): void {
    if (this.#state.kind === 'trial' && this.#state.blockId === blockId) this.#open(this.#state.pauses, nowMs);
    if (this.#state.kind !== 'closed') return;
    const failures = this.#state.failures + 1;
    if (failures >= this.#options.failures) this.#open(0, nowMs);
    else this.#state = { kind: 'closed', failures };
  }

  /** A block ended for reasons that say nothing: a trial of it is open again. */
  ended(blockId: string, nowMs: number): void {
    if (this.#state.kind !== 'trial' || this.#state.blockId !== blockId) return;
    this.#state = { kind: 'open', untilMs: nowMs, pauses: this.#state.pauses };
  }

  /** Pauses at once, however few have failed, unless a trial goes on. */
  trip(nowMs: number): void {
    if (this.allowed(nowMs) > 0) this.#open(this.#state.kind === 'open' ? this.#state.pauses : 0, nowMs);
  }

  #open(pauses: number, nowMs: number): void {
    const pauseMs = Math.min(this.#options.longestPauseMs, this.#options.pauseMs * 2 ** pauses);
    this.#state = { kind: 'open', untilMs: nowMs + pauseMs, pauses: pauses + 1 };
  }
}
