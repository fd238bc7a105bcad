/** First in, first out among equals; a lower priority number comes out sooner. */
export class PriorityQueue<T extends object> {
  readonly #byPriority = new Map<number, Line<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T, priority: number): void {
    const line = this.#byPriority.get(priority);
    if (line === undefined) this.#byPriority.set(priority, { items: [item], head: 0 });
    else line.items.push(item);
    this.#size += 1;
  }

  /** Takes the next item out. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const priority = Math.min(...this.#byPriority.keys());
    const line = this.#byPriority.get(priority) as Line<T>;
    const item = line.items[line.head];
    line.items[line.head] = undefined;
    line.head += 1;
    if (line.head === line.items.length) this.#byPriority.delete(priority);
    else if (line.head >= COMPACT_AT && line.head * 2 > line.items.length) compact(line);
    this.#size -= 1;
    return item;
  }

  /** Takes this item out, wherever it stands; does nothing if it is not there. */
  remove(item: T): void {
    for (const [priority, line] of this.#byPriority) {
      const index = line.items.indexOf(item, line.head);
      if (index === -1) continue;
      line.items.splice(index, 1);
      if (line.head === line.items.length) this.#byPriority.delete(priority);
      this.#size -= 1;
      return;
    }
  }
}

/** Items from `head` on; those before have been taken out. Moving all of them up for each would cost a long line dearly. */
interface Line<T> {
  items: (T | undefined)[];
  head: number;
}

const COMPACT_AT = 1_024;

function compact<T>(line: Line<T>): void {
  line.items = line.items.slice(line.head);
  line.head = 0;
}
