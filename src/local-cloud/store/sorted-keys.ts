import { compareUtf8 } from '../../utf8-order.js';

/** A set of keys in the order of their UTF-8 bytes. */
export class SortedKeys {
  readonly #keys: string[];

  constructor(keys: Iterable<string> = []) {
    this.#keys = [...keys].sort(compareUtf8);
  }

  get size(): number {
    return this.#keys.length;
  }

  add(key: string): void {
    const at = this.#firstFrom(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  remove(key: string): void {
    const at = this.#firstFrom(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** Keys from `key` on, itself included. Keys must not be added or removed meanwhile. */
  *from(key: string): Generator<string, void, string | undefined> {
    let at = this.#firstFrom(key);
    while (at < this.#keys.length) {
      const skipped = yield this.#keys[at] as string;
      at = skipped === undefined ? at + 1 : this.#firstAfterPrefix(skipped, at + 1);
    }
  }

  #firstFrom(key: string): number {
    return this.#search(0, (candidate) => compareUtf8(candidate, key) >= 0);
  }

  /** Keys that begin alike stand together: the first beyond them, searching from `low`. */
  #firstAfterPrefix(prefix: string, low: number): number {
    return this.#search(low, (candidate) => !candidate.startsWith(prefix) && compareUtf8(candidate, prefix) > 0);
  }

  /** First position from `low` on where `reached` holds; it must hold for all that follow. */
  #search(from: number, reached: (key: string) => boolean): number {
    let low = from;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (reached(this.#keys[middle] as string)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
