import { SluiceError } from '../../errors.js';
import { untilAborted } from '../until-aborted.js';
import type { Filled, Filling } from './filling.js';
import { pinsOf, readPins } from './pins.js';
import { watchFolder } from './watch-folder.js';

/** How often to see whether those who wait live. */
const LOOK_MS = 500;

/** What a cache is fetching: for the task that waits for it, and, when that one gives up, for others. */
export class FillingGroup {
  readonly #running = new Set<Filling>();
  readonly #unwatched = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  /**
   * Waits for `filling`. When `signal` aborts it is stopped, and all it left is gone when this rejects; unless others
   * wait for the entry: then it goes on for as long as they do. `pin`: the one of who waits here.
   */
  async follow(filling: Filling, entry: string, pin: string, signal: AbortSignal): Promise<Filled> {
    this.#running.add(filling);
    filling.done.then(
      () => this.#running.delete(filling),
      () => this.#running.delete(filling),
    );
    try {
      return await untilAborted(filling.done, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      if (await isWanted(entry, pin)) this.#leave(filling, entry, pin);
      else await stopped(filling, signal.reason);
      throw error;
    }
  }

  /** Stops all, and resolves when nothing of it is left. */
  async close(): Promise<void> {
    const reason = new SluiceError('CANCELLED', 'the worker ends');
    this.#closing.abort(reason);
    await Promise.all([...this.#running].map((filling) => stopped(filling, reason)));
    await Promise.all(this.#unwatched);
  }

  #leave(filling: Filling, entry: string, pin: string): void {
    const left = this.#stopOnceUnwanted(filling, entry, pin);
    this.#unwatched.add(left);
    void left.finally(() => this.#unwatched.delete(left));
  }

  async #stopOnceUnwanted(filling: Filling, entry: string, pin: string): Promise<void> {
    const over = new AbortController();
    const end = (): void => over.abort();
    filling.done.then(end, end);
    const signal = AbortSignal.any([over.signal, this.#closing.signal]);
    const watch = watchFolder(pinsOf(entry));
    try {
      while (!signal.aborted && (await isWanted(entry, pin))) await watch.next(LOOK_MS, signal).catch(() => undefined);
    } finally {
      watch.close();
    }
    await stopped(filling, new SluiceError('CANCELLED', 'nobody waits for it any more'));
  }
}

async function isWanted(entry: string, exceptBy: string): Promise<boolean> {
  return readPins(entry).held.some((pin) => pin !== exceptBy);
}

async function stopped(filling: Filling, reason: unknown): Promise<void> {
  filling.stop(reason);
  // How it ends is for those to tell who wait for it.
  await filling.done.catch(() => undefined);
}
