import { createProcessTable } from '../run/process-table.js';
import { ProcessWatcher, type WatchedTree } from '../run/process-watcher.js';

const LOOK_MS = 200;
const MIB = 2 ** 20;

/** What a watch is told. */
export interface MemoryWatchOptions {
  /** What a worker may use at the moment, in MiB; `undefined` for no limit. */
  limitMiB(rank: number): number | undefined;
  /** Whether it runs something. */
  isBusy(rank: number): boolean;
  onExceeded(rank: number, use: { readonly usedMiB: number; readonly limitMiB: number }): void;
}

/**
 * Looks every 200 ms at the resident memory of workers that run something, with all that they started. Nothing is looked
 * at while none does.
 */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #watcher = new ProcessWatcher(createProcessTable(), LOOK_MS);
  readonly #trees = new Map<number, { readonly tree: WatchedTree; isActive: boolean }>();

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** A worker is there. */
  add(rank: number, pid: number): void {
    const tree = this.#watcher.watch(pid, (bytes) => this.#look(rank, bytes / MIB));
    this.#trees.set(rank, { tree, isActive: false });
  }

  /** It got something to run. */
  begin(rank: number): void {
    const watched = this.#trees.get(rank);
    if (watched === undefined || watched.isActive) return;
    watched.isActive = true;
    watched.tree.resume();
  }

  /** It is gone. */
  remove(rank: number): void {
    this.#trees.get(rank)?.tree.release();
    this.#trees.delete(rank);
  }

  close(): void {
    for (const rank of [...this.#trees.keys()]) this.remove(rank);
  }

  #look(rank: number, usedMiB: number): void {
    const watched = this.#trees.get(rank);
    if (watched?.isActive !== true) return;
    if (!this.#options.isBusy(rank)) {
      watched.isActive = false;
      watched.tree.pause();
      return;
    }
    const limitMiB = this.#options.limitMiB(rank);
    if (limitMiB !== undefined && usedMiB > limitMiB) this.#options.onExceeded(rank, { usedMiB, limitMiB });
  }
}
