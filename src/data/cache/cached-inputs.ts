import { join } from 'node:path';
import { uniqueName } from '../../run/owner.js';
import type { InputUsage } from '../../wire/outcome.js';
import { entryName } from './cache-folder.js';
import { isSystemError } from './errno.js';
import { getContent, type Hold } from './get-content.js';
import type { CacheContext, WantedContent } from './node-cache.js';
import { noteUse, readPins, removePin, tasksOf } from './pins.js';
import { removeIfEmpty } from './throw-away.js';
import { takeIfChanged, type Used } from './used-content.js';

/** What one attempt has of its node's cache. */
export class CachedInputs {
  readonly #context: CacheContext;
  readonly #task: string;
  readonly #evictionsBefore: number;
  readonly #changed: string[] = [];
  #used: Used[] = [];
  #hits = 0;
  #misses = 0;
  #hitBytes = 0;
  #missBytes = 0;
  #copies = 0;
  #copiedBytes = 0;
  readonly #held = new Set<string>();

  constructor(context: CacheContext, task: string) {
    this.#context = context;
    this.#task = task;
    this.#evictionsBefore = context.budget.evictions;
  }

  /**
   * Resolves with the path of a content, which stays there as it is until {@link release}: a link or a copy at
   * `suggestedPath`, or where it is without being copied. Rejects with what fetching it says, or with `signal.reason`.
   */
  async get(wanted: WantedContent): Promise<string> {
    try {
      this.#context.folder.ensure();
    } catch (error) {
      return this.#fetchInstead(wanted, error);
    }
    const { folder, owner } = this.#context;
    const entry = join(folder.entries, entryName(wanted.key, wanted.size));
    const hold: Hold = { entry, pin: uniqueName(owner), task: this.#task, wanted };
    try {
      const path = await this.#getHolding(hold);
      if (path !== undefined) return path;
    } catch (error) {
      await this.#letGo(hold);
      // What stagings throw says what it is.
      if (isSystemError(error)) return this.#fetchInstead(wanted, error);
      throw error;
    }
    await this.#letGo(hold);
    return this.#fetch(wanted);
  }

  /** What was fetched came from another node, and from no store. */
  countCopy(bytes: number): void {
    this.#copies += 1;
    this.#copiedBytes += bytes;
  }

  /** What the task asked for that this node has now, as far as it has room: also when the attempt is over. */
  get held(): ReadonlySet<string> {
    return this.#held;
  }

  /** The attempt is over: lets go, and sees whether it has changed what others get too. Never rejects. */
  async release(): Promise<InputUsage> {
    const used = this.#used;
    this.#used = [];
    await Promise.all(
      used.map(async (one) => {
        await this.#report(one).catch(this.#context.onUnusable);
        await this.#letGo(one.hold);
      }),
    );
    return {
      hits: this.#hits,
      misses: this.#misses,
      hitBytes: this.#hitBytes,
      missBytes: this.#missBytes,
      evictions: this.#context.budget.evictions - this.#evictionsBefore,
      ...(this.#copies > 0 && { fromPeers: this.#copies, peerBytes: this.#copiedBytes }),
      ...(this.#changed.length > 0 && { changed: this.#changed }),
    };
  }

  /** `undefined`: the cache cannot give it, and the hold is of no use. */
  async #getHolding(hold: Hold): Promise<string | undefined> {
    const { wanted } = hold;
    const got = await getContent(this.#context, hold, (suspects) => this.#noteFoundChanged(wanted, suspects));
    if (got.kind === 'notCached') return undefined;
    if (got.kind === 'inPlace') {
      await this.#letGo(hold);
      return got.path;
    }
    this.#used.push({ hold, placed: got.placed, content: got.content });
    this.#count(wanted, !got.hasFetched);
    if (wanted.asked !== undefined) this.#held.add(wanted.asked);
    return got.placed.path;
  }

  #fetchInstead(wanted: WantedContent, error: unknown): Promise<string> {
    this.#context.onUnusable(error);
    return this.#fetch(wanted);
  }

  async #fetch(wanted: WantedContent): Promise<string> {
    const { suggestedPath, signal } = wanted;
    const path = await wanted.fetch({ suggestedPath, signal });
    this.#count(wanted, false);
    return path;
  }

  #count({ size }: WantedContent, isHit: boolean): void {
    if (isHit) {
      this.#hits += 1;
      this.#hitBytes += size;
    } else {
      this.#misses += 1;
      this.#missBytes += size;
    }
  }

  async #report(used: Used): Promise<void> {
    if (!(await takeIfChanged(this.#context, used))) return;
    const { entry, pin, wanted } = used.hold;
    const { held, left } = readPins(entry);
    const others = tasksOf(entry, [...held.filter((name) => name !== pin), ...left]);
    this.#changed.push(
      others.length === 0
        ? `${this.#task} changed its input ${wanted.name}: other tasks of this node get it anew`
        : `the input ${wanted.name} was changed while ${[this.#task, ...others].join(', ')} had it: one of them wrote to it, and the others may have read that`,
    );
  }

  #noteFoundChanged({ name }: WantedContent, suspects: readonly string[]): void {
    const by = suspects.length === 0 ? '' : ` (while ${suspects.join(', ')} had it, killed since)`;
    this.#changed.push(`the input ${name} was changed in the cache of this node${by}: ${this.#task} gets it anew`);
  }

  async #letGo({ entry, pin }: Hold): Promise<void> {
    try {
      removePin(entry, pin);
      noteUse(entry, this.#context.now());
      await removeIfEmpty(entry, pin);
    } catch (error) {
      this.#context.onUnusable(error);
    }
  }
}
