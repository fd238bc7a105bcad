/** Longer ones overflow: https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What is to happen to a manager as time passes, counted from its start. */
export class LifeTimers {
  readonly #startedMs = performance.now();
  readonly #timers = new Set<NodeJS.Timeout>();

  elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** So long after the start. */
  at(ms: number, act: () => void): void {
    this.after(Math.max(0, ms - this.elapsedMs()), act);
  }

  /** So long from now. What is weeks away never comes. */
  after(ms: number, act: () => void): void {
    if (ms <= LONGEST_TIMER_MS) this.#timers.add(setTimeout(act, ms));
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
