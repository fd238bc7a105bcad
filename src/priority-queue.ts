/** First in, first out among equals; a lower priority number comes out sooner. Every operation takes constant time. */
export class PriorityQueue<T extends object> {
  /** The lowest number first. */
  readonly #lines: Line<T>[] = [];
  /** Taken out, and still standing in their lines. */
  readonly #removed = new Set<T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: T, priority: number): void {
    this.#lineOf(priority).items.push(item);
    this.#size += 1;
  }

  /** Puts an item before all others of its priority. */
  putBack(item: T, priority: number): void {
    this.#lineOf(priority).first.push(item);
    this.#size += 1;
  }

  /** Takes the next item out. */
  shift(): T | undefined {
    for (const line of this.#lines) {
      for (let item = next(line); item !== undefined; item = next(line)) {
        if (this.#removed.size > 0 && this.#removed.delete(item)) continue;
        this.#size -= 1;
        return item;
      }
    }
    return undefined;
  }

  /** Takes this item out, wherever in the queue it stands; it must not come back. */
  remove(item: T): void {
    this.#removed.add(item);
    this.#size -= 1;
    if (this.#size > 0) return;
    this.#removed.clear();
    this.#lines.length = 0;
  }

  #lineOf(priority: number): Line<T> {
    let index = 0;
    for (const line of this.#lines) {
      if (line.priority === priority) return line;
      if (line.priority < priority) index += 1;
    }
    const line: Line<T> = { priority, first: [], items: [], head: 0 };
    this.#lines.splice(index, 0, line);
    return line;
  }
}

interface Line<T> {
  readonly priority: number;
  /** Put back, the next one last. */
  readonly first: T[];
  /** Waiting from `head` on. Moving all of them up for each that goes would cost a long line dearly. */
  items: (T | undefined)[];
  head: number;
}

const COMPACT_AT = 1_024;

function next<T>(line: Line<T>): T | undefined {
  const { first, items, head } = line;
  if (first.length > 0) return first.pop();
  if (head === items.length) return undefined;
  const item = items[head];
  items[head] = undefined;
  line.head += 1;
  if (line.head === items.length) {
    items.length = 0;
    line.head = 0;
  } else if (line.head >= COMPACT_AT && line.head * 2 > items.length) {
    line.items = items.slice(line.head);
    line.head = 0;
  }
  return item;
}
