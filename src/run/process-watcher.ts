import type { ProcessTable } from './process-table.js';

const INTERVAL_MS = 50;
// Of one core: with many trees, or on a busy machine, looks are further apart.
const MOST_OF_THE_TIME = 0.1;

/** One process with all that it started, told by parentage and by process group. */
export interface WatchedTree {
  /** Starts to look at the tree's memory at every interval, or less often where looks would take a tenth of the time. */
  resume(): void;
  /** Looks a last time, also at what there was between looks, and stops. */
  pause(): void;
  /** Sends SIGKILL to the group and to what has left it. */
  kill(): void;
  /** Forgets the tree. */
  release(): void;
}

interface Tree {
  readonly rootPid: number;
  readonly members: Set<number>;
  readonly onRssBytes: (rssBytes: number) => void;
  active: boolean;
}

/**
 * Watches the memory of process trees; runs only while one of them is active.
 *
 * Per look it lists the machine's processes once and reads only those that are new or belong to an active tree. Where
 * a process belongs is decided when it is first seen: a descendant stays one when its parent ends or it calls setsid.
 */
export class ProcessWatcher {
  readonly #table: ProcessTable;
  readonly #trees = new Map<number, Tree>();
  /** Every process seen, with the root of the tree it belongs to, if any. */
  readonly #seen = new Map<number, number | undefined>();
  readonly #intervalMs: number;
  #looking = false;

  /** @param intervalMs time between looks, in milliseconds; default: 50 */
  constructor(table: ProcessTable, intervalMs: number = INTERVAL_MS) {
    this.#table = table;
    this.#intervalMs = intervalMs;
  }

  /**
   * Watches the leader of a process group; `onRssBytes` gets the sum over the tree at every look, and at the last one
   * also the most that each process of it ever had.
   */
  watch(rootPid: number, onRssBytes: (rssBytes: number) => void): WatchedTree {
    const tree: Tree = { rootPid, members: new Set([rootPid]), onRssBytes, active: false };
    this.#trees.set(rootPid, tree);
    this.#seen.set(rootPid, rootPid);
    return {
      resume: () => {
        tree.active = true;
        void this.#lookWhileActive();
      },
      pause: () => {
        // Of one process, the most it had is no less than what it has.
        if (tree.members.size > 1) this.#measure(tree);
        for (const pid of tree.members) tree.onRssBytes(this.#table.peakRssBytes(pid));
        tree.active = false;
      },
      kill: () => {
        for (const target of [-rootPid, ...tree.members]) kill(target);
      },
      release: () => {
        tree.active = false;
        this.#trees.delete(rootPid);
      },
    };
  }

  async #lookWhileActive(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    while (this.#activeTrees().length > 0) {
      const startedMs = performance.now();
      try {
        await this.#table.refresh();
        this.#sortOut(this.#table.pids());
        for (const tree of this.#activeTrees()) this.#measure(tree);
      } catch {
        // A look that fails (no process left to start `ps` with) is one look less.
      }
      const pauseMs = Math.max(this.#intervalMs, (performance.now() - startedMs) / MOST_OF_THE_TIME);
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
    this.#looking = false;
  }

  #activeTrees(): Tree[] {
    return [...this.#trees.values()].filter((tree) => tree.active);
  }

  #sortOut(pids: readonly number[]): void {
    const alive = new Set(pids);
    for (const [pid, root] of this.#seen) {
      if (alive.has(pid)) continue;
      this.#seen.delete(pid);
      if (root !== undefined) this.#trees.get(root)?.members.delete(pid);
    }
    for (const pid of pids) if (!this.#seen.has(pid)) this.#place(pid);
  }

  /** Parents are placed before their children, whatever the order of the list. */
  #place(pid: number): number | undefined {
    if (this.#seen.has(pid)) return this.#seen.get(pid);
    const place = this.#table.placeOf(pid);
    if (place === undefined) return undefined;
    this.#seen.set(pid, undefined);
    const tree = this.#trees.get(place.groupId) ?? this.#trees.get(this.#place(place.parentPid) ?? Number.NaN);
    this.#seen.set(pid, tree?.rootPid);
    tree?.members.add(pid);
    return tree?.rootPid;
  }

  #measure(tree: Tree): void {
    let sum = 0;
    for (const pid of tree.members) sum += this.#table.rssBytes(pid);
    if (sum > 0) tree.onRssBytes(sum);
  }
}

function kill(target: number): void {
  try {
    process.kill(target, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
