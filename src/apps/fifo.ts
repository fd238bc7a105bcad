/** A queue whose ends are both cheap, however long it gets. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest item. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the oldest item out. */
  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) this.#head += 1;
    // What was taken is let go of once it is half of the array.
    if (this.#head > 32 && this.#head * 2 > this.#items.length) this.clear(this.#items.slice(this.#head));
    return item;
  }

  /** All items, oldest first. */
  items(): readonly T[] {
    return this.#items.slice(this.#head);
  }

  clear(items: T[] = []): void {
    this.#items = items;
    this.#head = 0;
  }
}
