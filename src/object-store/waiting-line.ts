interface Caller {
  readonly weight: number;
  call(): void;
}

/** Those who wait for room, in the order in which they came. */
export class WaitingLine {
  readonly #callers = new Set<Caller>();

  get isEmpty(): boolean {
    return this.#callers.size === 0;
  }

  /** How much room the first one needs; `undefined` where nobody waits. */
  get firstWeight(): number | undefined {
    const [first] = this.#callers;
    return first?.weight;
  }

  /**
   * Resolves with what `take` gives, which runs in the very turn in which {@link callFirst} comes to it: whoever looks for room
   * after that turn sees it taken. Rejects with `signal.reason` once aborted, and waits no more.
   */
  wait<T>(weight: number, take: () => T, signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const caller: Caller = {
        weight,
        call: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve(take());
        },
      };
      const giveUp = (): void => {
        this.#callers.delete(caller);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#callers.add(caller);
    });
  }

  callFirst(): void {
    const [first] = this.#callers;
    if (first === undefined) return;
    this.#callers.delete(first);
    first.call();
  }
}
