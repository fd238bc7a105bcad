/** A run of bytes in a file. */
export interface Extent {
  readonly at: number;
  /** Size in bytes. */
  readonly size: number;
}

/**
 * Which bytes of a file are free: holes that earlier extents left, and all beyond the last one. In blocks, as in a file
 * system, so that holes do not wear down to what nothing fits into.
 */
export class FreeSpace {
  /** In order, and never side by side. */
  readonly #holes: { at: number; size: number }[] = [];
  #end = 0;
  /** The hole to look at first: each search goes on where the one before ended. */
  #next = 0;

  /** @param taken in any order, not overlapping */
  constructor(taken: Iterable<Extent> = []) {
    for (const { at, size } of [...taken].sort((left, right) => left.at - right.at)) {
      if (at > this.#end) this.#holes.push({ at: this.#end, size: at - this.#end });
      this.#end = at + wholeBlocks(size);
    }
  }

  /** Nothing is taken from here on. */
  get end(): number {
    return this.#end;
  }

  /** Takes `size` bytes, and returns where they begin. */
  take(size: number): number {
    const needed = wholeBlocks(size);
    for (let left = Math.min(this.#holes.length, MOST_TRIED); left > 0; left--, this.#next++) {
      if (this.#next >= this.#holes.length) this.#next = 0;
      const hole = this.#holes[this.#next] as { at: number; size: number };
      if (hole.size < needed) continue;
      const { at } = hole;
      hole.at += needed;
      hole.size -= needed;
      if (hole.size === 0) this.#holes.splice(this.#next, 1);
      return at;
    }
    const at = this.#end;
    this.#end += needed;
    return at;
  }

  /** Gives back what was taken. */
  free({ at, size }: Extent): void {
    const index = this.#firstBeyond(at);
    const [before, after] = [this.#holes[index - 1], this.#holes[index]];
    const start = before !== undefined && before.at + before.size === at ? before.at : at;
    let end = at + wholeBlocks(size);
    if (after?.at === end) end += after.size;
    const joined = end === this.#end ? [] : [{ at: start, size: end - start }];
    if (joined.length === 0) this.#end = start;
    const first = start === at ? index : index - 1;
    this.#holes.splice(first, index - first + (after !== undefined && after.at < end ? 1 : 0), ...joined);
  }

  #firstBeyond(at: number): number {
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#holes[middle] as Extent).at > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const BLOCK_BYTES = 4096;
/** Holes that are looked at before the file grows instead. */
const MOST_TRIED = 64;

/** Nothing takes a block as well: no two extents begin at the same place. */
function wholeBlocks(size: number): number {
  return Math.max(1, Math.ceil(size / BLOCK_BYTES)) * BLOCK_BYTES;
}
