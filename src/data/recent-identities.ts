import type { FileIdentity } from './staging.js';

/** Files that are remembered, at most: those asked for last. */
const MOST = 1_000;

/**
 * What files were when they were asked for lately. A task may have any answer that is not older than its arrival at its worker:
 * what it reads was there before that. So the tasks of a batch that have an input in common ask its store once.
 */
export class RecentIdentities {
  readonly #known = new Map<string, { readonly askedMs: number; readonly identity: FileIdentity }>();

  /** What was asked for since then; `undefined` where nothing was. Times are those of `performance.now()`. */
  since(url: string, timeMs: number): FileIdentity | undefined {
    const known = this.#known.get(url);
    return known !== undefined && known.askedMs >= timeMs ? known.identity : undefined;
  }

  /** @param askedMs before it was asked for */
  note(url: string, identity: FileIdentity, askedMs: number): void {
    this.#known.delete(url);
    this.#known.set(url, { askedMs, identity });
    if (this.#known.size <= MOST) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  /** It is being written: what it was says nothing any more. */
  forget(url: string): void {
    this.#known.delete(url);
  }
}
