import { type BlockInfo, hasFailed } from './block.js';
import type { Block } from './block-transition.js';
import type { CircuitBreaker } from './circuit-breaker.js';

/**
 * Tells the breaker which blocks work, and which do not: one that dies soon after its first manager connected counts as
 * one that could not start. Pure: the clock is passed in.
 */
export class BlockTrials {
  readonly #breaker: CircuitBreaker;
  readonly #provenAfterMs: number;
  readonly #proven = new Set<string>();

  /** @param provenAfterMs how long a block has to have worked */
  constructor(breaker: CircuitBreaker, provenAfterMs: number) {
    this.#breaker = breaker;
    this.#provenAfterMs = provenAfterMs;
  }

  /** Whether a block has proven itself since the last time. */
  prove(live: readonly Block[], nowMs: number): boolean {
    let isNew = false;
    for (const { blockId, connectedAtMs, managers } of live) {
      if (connectedAtMs === undefined || managers.length === 0 || this.#proven.has(blockId)) continue;
      if (nowMs - connectedAtMs < this.#provenAfterMs) continue;
      this.#proven.add(blockId);
      this.#breaker.worked();
      isNew = true;
    }
    return isNew;
  }

  ended(block: BlockInfo, nowMs: number): void {
    if (this.#proven.delete(block.blockId)) return;
    if (hasFailed(block) || isFruitless(block)) this.#breaker.failed(block.blockId, nowMs);
    else this.#breaker.ended(block.blockId, nowMs);
  }
}

/** Came, did nothing and went, before it had proven itself: as good as one that never came. */
function isFruitless({ state, wasBusy }: BlockInfo): boolean {
  return state.kind === 'ended' && state.reason !== 'scaledIn' && !wasBusy;
}
