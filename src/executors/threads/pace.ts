import { LONGEST_BATCH } from '../../wire/threads/claim-board.js';

/** A batch should keep its thread busy for about this long: the message that carries it takes a tenth of that. */
const BATCH_MS = 1;
/** What a task costs its thread beside the user's code. */
const OVERHEAD_MS = 0.004;
const WEIGHT_OF_THE_LATEST = 0.1;

/** How long the tasks of each app take, as far as they have been seen; one that has not travels alone. */
export class Pace {
  readonly #meanMs = new Map<string, number>();

  /** Expected time of a task of this app on its thread, in milliseconds. */
  expectedMs(appHash: string): number {
    return (this.#meanMs.get(appHash) ?? BATCH_MS) + OVERHEAD_MS;
  }

  observe(appHash: string, runMs: number): void {
    const mean = this.#meanMs.get(appHash) ?? BATCH_MS;
    this.#meanMs.set(appHash, mean + (runMs - mean) * WEIGHT_OF_THE_LATEST);
  }

  /** Whether a task of this app may join a batch of `count` tasks that should take `expectedMs`. */
  hasRoom(batch: { readonly count: number; readonly expectedMs: number }, appHash: string): boolean {
    return batch.count < LONGEST_BATCH && batch.expectedMs + this.expectedMs(appHash) <= BATCH_MS;
  }
}
