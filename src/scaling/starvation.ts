/** How tasks fare that have no block to run on. */
export type Hunger =
  | { readonly kind: 'none' }
  /** There may yet be a block, until then. */
  | { readonly kind: 'waiting'; readonly untilMs: number }
  | { readonly kind: 'starved' };

/** Times how long tasks have waited while there is no block, and none is wanted: they would wait for ever. */
export class Starvation {
  readonly #graceMs: number;
  #sinceMs: number | undefined;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Who has starved starts anew. */
  look(isHungry: boolean, nowMs: number): Hunger {
    const sinceMs = this.#sinceMs ?? nowMs;
    const untilMs = sinceMs + this.#graceMs;
    this.#sinceMs = isHungry && nowMs < untilMs ? sinceMs : undefined;
    if (!isHungry) return { kind: 'none' };
    return nowMs < untilMs ? { kind: 'waiting', untilMs } : { kind: 'starved' };
  }
}
