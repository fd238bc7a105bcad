/** First in, first out among equals; a lower priority number comes out sooner. */
export class PriorityQueue<T> {
  readonly #byPriority = new Map<number, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T, priority: number): void {
    const items = this.#byPriority.get(priority);
    if (items === undefined) this.#byPriority.set(priority, [item]);
    else items.push(item);
    this.#size += 1;
  }

  /** Takes the next item out. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const priority = Math.min(...this.#byPriority.keys());
    const items = this.#byPriority.get(priority) as T[];
    const item = items.shift();
    if (items.length === 0) this.#byPriority.delete(priority);
    this.#size -= 1;
    return item;
  }

  /** Takes this item out, wherever it stands; does nothing if it is not there. */
  remove(item: T): void {
    for (const [priority, items] of this.#byPriority) {
      const index = items.indexOf(item);
      if (index === -1) continue;
      items.splice(index, 1);
      if (items.length === 0) this.#byPriority.delete(priority);
      this.#size -= 1;
      return;
    }
  }
}
