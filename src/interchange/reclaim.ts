import type { PlacedTask } from './placed-task.js';

/**
 * The time after an interchange took the place of another: managers that were the other's come back with the tasks they
 * have, and tasks that may be with them are given to nobody else until all have come, or their time is up.
 */
export class Reclaim {
  readonly #forMs: number;
  readonly #known = new Set<string>();
  readonly #waiting = new Set<PlacedTask>();
  readonly #ended = new Set<number>();
  /** Before the client has come, nobody knows what managers may still hold. */
  #untilMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** Whether managers may bring tasks that the client has not named yet. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Whether managers are waited for. */
  get isUnderWay(): boolean {
    return this.#known.size > 0;
  }

  /** The client says which managers there were. */
  begin(known: readonly string[], isHere: (id: string) => boolean, nowMs: number): void {
    for (const id of known) if (!isHere(id)) this.#known.add(id);
    this.#untilMs = nowMs + this.#forMs;
    // The first interchange of a run: there is nothing that could come back.
    if (known.length === 0) this.#isOver = true;
  }

  cameBack(id: string): void {
    this.#known.delete(id);
  }

  /** Keeps a task until it is claimed, or all is over. */
  wait(placed: PlacedTask): void {
    this.#waiting.add(placed);
  }

  /** Takes out a task that waited, if it did. */
  claimed(placed: PlacedTask): boolean {
    return this.#waiting.delete(placed);
  }

  /** A task ended before the client named it. */
  ended(key: number): void {
    if (!this.#isOver) this.#ended.add(key);
  }

  hasEnded(key: number): boolean {
    return this.#ended.delete(key);
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.dueAtMs();
  }

  dueAtMs(): number {
    if (this.#isOver) return Number.POSITIVE_INFINITY;
    return this.#known.size === 0 && this.#waiting.size > 0 ? Number.NEGATIVE_INFINITY : this.#untilMs;
  }

  /** Tasks that nobody came back with. After the whole time, nothing else is reclaimed either. */
  giveUp(nowMs: number): PlacedTask[] {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    if (nowMs >= this.#untilMs) {
      this.#isOver = true;
      this.#known.clear();
      this.#ended.clear();
    }
    return waiting;
  }
}
