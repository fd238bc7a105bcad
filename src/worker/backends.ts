import { readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cacheSettings } from '../data/cache/cache-settings.js';
import { createNodeCache, type NodeCache } from '../data/cache/node-cache.js';
import type { CacheOptions } from '../data/cache-options.js';
import { parseObjectUrl } from '../data/data-file.js';
import type { OwnFolder } from '../data/peers/peer-declaration.js';
import { createStagingManager, type StagingManager } from '../data/staging-manager.js';
import { localFailure, writeWhole } from '../data/write-whole.js';
import type { ShippedStorage } from '../wire/shipped-storage.js';
import { createListedStagings, type LoadModule } from './listed-stagings.js';
import { createStores, type Stores } from './stores.js';

/** What the tasks of one process have: {@link Stores}, stagings that come with them, values, and their node's cache. */
export interface Backends extends Pick<Stores, 'store' | 'staging'> {
  /**
   * The staging of a list that came with a task, the same one each time; without one, {@link staging}. Rejects as
   * {@link createListedStagings} does.
   */
  stagingOf(storage: ShippedStorage | undefined, load: LoadModule): Promise<StagingManager>;
  /** What tasks with these options share on this node; `undefined` where they share nothing. @throws {SluiceError} `INVALID_OPTIONS` */
  cache(options?: CacheOptions | false): NodeCache | undefined;
  /** The bytes of an object, or of a local file, by its URL. */
  fetch(url: string): Promise<Uint8Array>;
  /** Writes bytes as an object or a local file, as a whole, where {@link fetch} finds them. */
  keep(url: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What a worker adds whose node gives its files to others. */
export interface BackendsOptions {
  /** Where its files are kept. */
  readonly own?: OwnFolder | undefined;
  /** Told of the folder of a cache's entries, when one is made whose contents others may ask for. */
  readonly onCache?: ((entries: string) => void) | undefined;
}

/** The one table of what exists, for workers and clients alike. */
export function createBackends({ own, onCache }: BackendsOptions = {}): Backends {
  const stores = createStores(own);
  // Workers that serve several runs may be asked for several.
  const caches = new Map<string, NodeCache | undefined>();
  const listed = new Map<string, Promise<StagingManager>>();
  const backends: Backends = {
    store: stores.store,
    staging: stores.staging,
    async stagingOf(storage, load) {
      if (storage === undefined) return backends.staging();
      const known = listed.get(storage.hash);
      if (known !== undefined) return known;
      const made = createListedStagings(storage, stores.openWith, load).then((providers) =>
        createStagingManager(providers, stores.createOwn()),
      );
      listed.set(storage.hash, made);
      // A failure is not remembered: a retry tries anew.
      made.catch(() => listed.delete(storage.hash));
      return made;
    },
    cache(options = {}) {
      const name = JSON.stringify(options);
      if (!caches.has(name)) {
        const settings = cacheSettings(options, process.env);
        const cache = settings && createNodeCache(settings, { notesCrc32: onCache !== undefined });
        caches.set(name, cache);
        if (cache !== undefined) onCache?.(cache.entries);
      }
      return caches.get(name);
    },
    async fetch(url) {
      return isLocal(url) ? readLocal(url) : backends.store(url).get(parseObjectUrl(url).key);
    },
    async keep(url, bytes) {
      if (isLocal(url)) {
        await writeWhole(fileURLToPath(url), (path) => writeFile(path, bytes));
        return;
      }
      await backends
        .store(url)
        .putParts(parseObjectUrl(url).key, bytes.byteLength, async ({ start, end }) => bytes.subarray(start, end + 1));
    },
    async close() {
      await Promise.all([...caches.values()].map((cache) => cache?.close()));
      const managers = await Promise.all([...listed.values()].map((one) => one.catch(() => undefined)));
      await Promise.all(managers.map((one) => one?.close()));
      await stores.close();
      caches.clear();
      listed.clear();
    },
  };
  return backends;
}

function isLocal(url: string): boolean {
  return url.startsWith('file:');
}

// Up to this size a file is read in less time than a thread pool takes to be asked for its parts.
const READ_AT_ONCE_BYTES = 4 * 1024 * 1024;

async function readLocal(url: string): Promise<Uint8Array> {
  const path = fileURLToPath(url);
  try {
    const bytes = statSync(path).size <= READ_AT_ONCE_BYTES ? readFileSync(path) : await readFile(path);
    // One that was given another name meanwhile may have been written anew, too: what was read is of nobody.
    statSync(path);
    return bytes;
  } catch (error) {
    throw localFailure(`read ${path}`, error);
  }
}
