import type { AppFunction } from './code-cache.js';

/** What the setups of apps made on this worker, each once. */
export interface Contexts {
  /** The value of the setup with that hash; it runs at the first call, and again at the next one after it failed. */
  get(hash: string, setup: AppFunction): Promise<unknown>;
  /** Disposes of every value that says how (`Symbol.asyncDispose`, `Symbol.dispose`). Rejects with the first failure, after all. */
  close(): Promise<void>;
}

export function createContexts(): Contexts {
  const values = new Map<string, Promise<unknown>>();
  return {
    get(hash, setup) {
      const value = values.get(hash) ?? Promise.resolve().then(() => setup());
      values.set(hash, value);
      value.catch(() => {
        if (values.get(hash) === value) values.delete(hash);
      });
      return value;
    },
    async close() {
      const made = await Promise.allSettled(values.values());
      values.clear();
      const ends = await Promise.allSettled(made.map(async (end) => dispose(end)));
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}

async function dispose(made: PromiseSettledResult<unknown>): Promise<void> {
  if (made.status === 'rejected' || made.value === null || typeof made.value !== 'object') return;
  const value = made.value as Readonly<Record<symbol, unknown>>;
  const method = DISPOSERS.map((symbol) => value[symbol]).find((candidate) => typeof candidate === 'function');
  if (method !== undefined) await Reflect.apply(method as AppFunction, value, []);
}

// Polyfills register the symbols where the platform has none.
const DISPOSERS = ['asyncDispose', 'dispose'].flatMap((name) => {
  const own = (Symbol as unknown as Record<string, symbol | undefined>)[name];
  return [...(own === undefined ? [] : [own]), Symbol.for(`Symbol.${name}`)];
});
