import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type CacheFolder, sizeIn } from './cache-folder.js';
import { ifThere } from './errno.js';
import { usedAtMs } from './pins.js';
import { evict } from './throw-away.js';

/** What a cache holds. */
export interface BudgetState {
  /** Names of the entries. */
  readonly names: readonly string[];
  /** Of all entries, those whose content is being fetched among them. */
  readonly bytes: number;
  readonly maxBytes: number;
}

interface Use {
  readonly name: string;
  readonly atMs: number;
}

/**
 * Keeps a cache within `maxBytes`, else within what the disk has room for. Sizes are in entries' names, so that a look is
 * one listing; as long as there is much room, what was seen counts for a second, in which others may go beyond it.
 */
export class Budget {
  readonly #folder: CacheFolder;
  readonly #maxBytes: number | undefined;
  #evictions = 0;
  #seen = { atMs: Number.NEGATIVE_INFINITY, bytes: 0, maxBytes: 0 };
  /** Least in use first. What was used since is not as it is here, and comes after all that is. */
  #uses: Use[] = [];
  #usesAtMs = Number.NEGATIVE_INFINITY;
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: CacheFolder, maxBytes: number | undefined) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Entries evicted by this budget so far. */
  get evictions(): number {
    return this.#evictions;
  }

  /** What the folder holds now. */
  look(): Promise<BudgetState> {
    return this.#inTurn(() => this.#look());
  }

  /** Whether an entry of that size, which has just been made, may stay, after others had to go for it. */
  admit(size: number): Promise<boolean> {
    return this.#inTurn(() => this.#admit(size));
  }

  /** Evicts all that is not in use; resolves with how many that were. */
  evictAll(): Promise<number> {
    return this.#inTurn(async () => {
      const before = this.#evictions;
      await this.#folder.sweep();
      const { names } = await this.#look();
      this.#uses = [];
      await this.#evictUntil(names, 0);
      return this.#evictions - before;
    });
  }

  // What is decided about one entry is seen when it is about the next.
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn;
    return turn;
  }

  async #look(): Promise<BudgetState> {
    const all = (await ifThere(readdir(this.#folder.entries))) ?? [];
    const names = all.filter((name) => !Number.isNaN(sizeIn(name)));
    const bytes = names.reduce((sum, name) => sum + sizeIn(name), 0);
    const maxBytes = this.#maxBytes ?? (await roomOf(this.#folder.path, bytes));
    this.#seen = { atMs: performance.now(), bytes, maxBytes };
    return { names, bytes, maxBytes };
  }

  async #admit(size: number): Promise<boolean> {
    const isFresh = performance.now() - this.#seen.atMs < SEEN_MS;
    if (isFresh && this.#seen.bytes + size <= this.#seen.maxBytes * MUCH_ROOM) {
      this.#seen.bytes += size;
      return true;
    }
    await this.#folder.sweep();
    const { names, maxBytes } = await this.#look();
    if (size > maxBytes) return false;
    await this.#evictUntil(names, maxBytes);
    return this.#seen.bytes <= maxBytes;
  }

  async #evictUntil(names: readonly string[], maxBytes: number): Promise<void> {
    let inUse: Use[] = [];
    let isNew = false;
    if (performance.now() - this.#usesAtMs > USES_KNOWN_MS) this.#uses = [];
    while (this.#seen.bytes > maxBytes) {
      const next = this.#uses.shift();
      if (next !== undefined) {
        if ((await this.#evict(next)) === 'inUse') inUse.push(next);
      } else if (isNew) {
        break;
      } else {
        inUse = [];
        isNew = true;
        this.#uses = await usesOf(this.#folder, names);
        this.#usesAtMs = performance.now();
      }
    }
    this.#uses.unshift(...inUse);
  }

  async #evict({ name, atMs }: Use): Promise<'evicted' | 'inUse' | 'usedSince'> {
    const entry = join(this.#folder.entries, name);
    if (usedAtMs(entry) !== atMs) return 'usedSince';
    if (!(await evict(entry, this.#folder.own('trash')))) return 'inUse';
    this.#evictions += 1;
    this.#seen.bytes -= sizeIn(name);
    return 'evicted';
  }
}

/** For how long what was seen counts, as long as no more than this share is taken. */
const SEEN_MS = 1_000;
const MUCH_ROOM = 0.9;
const USES_KNOWN_MS = 10_000;

async function usesOf(folder: CacheFolder, names: readonly string[]): Promise<Use[]> {
  const uses: Use[] = [];
  for (const name of names) uses.push({ name, atMs: usedAtMs(join(folder.entries, name)) });
  return uses.sort((one, other) => one.atMs - other.atMs);
}

// Half of the disk is left to tasks; and memory is no disk.
async function roomOf(path: string, ownBytes: number): Promise<number> {
  const { bavail, bsize, type } = await statfs(path);
  const share = type === TMPFS ? 0.1 : 0.5;
  return Math.min(MOST_BYTES, Math.floor((bavail * bsize + ownBytes) * share));
}

const MOST_BYTES = 10 * 1024 ** 3;
/** Source: statfs(2), TMPFS_MAGIC. */
const TMPFS = 0x01021994;
