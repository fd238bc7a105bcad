import type { TemporaryHomes } from '../../data/temporary-homes.js';
import { messageOf } from '../../errors.js';
import type { KernelParts } from '../kernel-parts.js';
import type { Place } from './temporary-file.js';

const BATCH_MS = 50;
const BATCH_FILES = 1_000;

/** Removes files that nobody needs, many at a time; what fails is warned of once, and fails no task. */
export class Disposal {
  readonly #homes: TemporaryHomes;
  readonly #parts: Pick<KernelParts, 'executors' | 'later' | 'warn'>;
  #waiting: { readonly home: string; readonly keeper: string | undefined }[] = [];
  #stopTimer: (() => void) | undefined;
  #isClosed = false;
  #hasWarned = false;

  constructor(homes: TemporaryHomes, parts: Pick<KernelParts, 'executors' | 'later' | 'warn'>) {
    this.#homes = homes;
    this.#parts = parts;
  }

  add(place: Place): void {
    if (place.kind !== 'kept' || this.#isClosed) return;
    this.#waiting.push(place);
    if (this.#waiting.length >= BATCH_FILES) this.#flush();
    else this.#stopTimer ??= this.#parts.later(BATCH_MS, () => this.#flush());
  }

  /** What waits goes with everything else, which executors and homes remove when they are closed. */
  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
    this.#waiting = [];
  }

  #flush(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const byKeeper = new Map<string | undefined, string[]>();
    for (const { home, keeper } of this.#waiting.splice(0)) {
      const homes = byKeeper.get(keeper);
      if (homes === undefined) byKeeper.set(keeper, [home]);
      else homes.push(home);
    }
    for (const [keeper, urls] of byKeeper) void this.#remove(keeper, urls);
  }

  async #remove(keeper: string | undefined, urls: readonly string[]): Promise<void> {
    try {
      const executor = this.#parts.executors.find(({ label }) => label === keeper);
      if (executor === undefined) await this.#homes.remove(urls);
      else executor.dropTemporary?.(urls);
    } catch (error) {
      if (!this.#hasWarned && !this.#isClosed) {
        this.#parts.warn(`temporary files that nobody needs were not removed: ${messageOf(error)}`);
      }
      this.#hasWarned = true;
    }
  }
}
