/** A batch should keep its worker busy for about this long: the message that carries it takes a tenth of that. */
const BATCH_MS = 1;
const WEIGHT_OF_THE_LATEST = 0.1;

/** What workers are like. */
export interface PaceOptions {
  /** Tasks that travel together, at most. */
  readonly longestBatch: number;
  /** What a task costs its worker beside the user's code, in milliseconds. */
  readonly overheadMs: number;
}

/** How long the tasks of each app take, as far as they have been seen; one that has not travels alone. */
export class Pace<App> {
  readonly #options: PaceOptions;
  readonly #meanMs = new Map<App, number>();

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Expected time of a task of this app on its worker, in milliseconds. */
  expectedMs(app: App): number {
    return (this.#meanMs.get(app) ?? BATCH_MS) + this.#options.overheadMs;
  }

  observe(app: App, runMs: number): void {
    const mean = this.#meanMs.get(app) ?? BATCH_MS;
    this.#meanMs.set(app, mean + (runMs - mean) * WEIGHT_OF_THE_LATEST);
  }

  /** Whether a task of this app may join a batch of `count` tasks that should take `expectedMs`. */
  hasRoom(batch: { readonly count: number; readonly expectedMs: number }, app: App): boolean {
    return batch.count < this.#options.longestBatch && batch.expectedMs + this.expectedMs(app) <= BATCH_MS;
  }
}
