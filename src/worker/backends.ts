import { readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cacheSettings } from '../data/cache/cache-settings.js';
import { createNodeCache, type NodeCache } from '../data/cache/node-cache.js';
import type { CacheOptions } from '../data/cache-options.js';
import { parseObjectUrl } from '../data/data-file.js';
import { createStagingManager, type StagingManager } from '../data/staging-manager.js';
import { localFailure, writeWhole } from '../data/write-whole.js';
import { SluiceError } from '../errors.js';
import { lazyStore } from '../object-store/lazy-store.js';
import type { ObjectStore } from '../object-store/object-store.js';
import type { ShippedStorage } from '../wire/shipped-storage.js';
import { createListedStagings, type LoadModule } from './listed-stagings.js';
import { createBuiltIns, type OpenStoreWith } from './staging-table.js';

/** Stores and staging of one process; connections open, and SDKs load, when first used. */
export interface Backends {
  /** The store of a bucket, by its URL or that of an object in it. @throws {SluiceError} `NO_STAGING` */
  store(url: string, options?: StoreOptions): ObjectStore;
  /** Sluice's own staging, as the environment says. */
  staging(): StagingManager;
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

interface StoreOptions {
  /** Of a bucket of S3. */
  readonly region?: string;
  /** Further options of the store. */
  readonly [name: string]: unknown;
}

/** Scheme → store. A new object store is one row here. */
const STORES: Readonly<Record<string, (bucket: string, options: StoreOptions) => Promise<ObjectStore>>> = {
  s3: async (bucket, options) => {
    const { createS3Store } = await import('../object-store/s3/s3-store.js');
    return createS3Store({ bucket, ...options });
  },
  gs: async (bucket, options) => {
    const { createGcsStore } = await import('../object-store/gcs/gcs-store.js');
    return createGcsStore({ bucket, ...options });
  },
};

/** The one table of what exists, for workers and clients alike. */
export function createBackends(): Backends {
  const stores = new Map<string, ObjectStore>();
  // Workers that serve several runs may be asked for several.
  const caches = new Map<string, NodeCache | undefined>();
  let manager: StagingManager | undefined;
  const listed = new Map<string, Promise<StagingManager>>();
  const openWith: OpenStoreWith = (url, options) => {
    if (options === undefined) return backends.store(url);
    const name = `${url} ${JSON.stringify(options)}`;
    const store = stores.get(name) ?? openLazily(url, options);
    stores.set(name, store);
    return store;
  };
  const backends: Backends = {
    store(url, options = {}) {
      // Whoever opens a bucket first says where it is; those who know its URL only come later.
      const [name = ''] = /^[a-z0-9]+:\/\/[^/]+/.exec(url) ?? [];
      const store = stores.get(name) ?? openLazily(url, options);
      stores.set(name, store);
      return store;
    },
    staging() {
      manager ??= createStagingManager(createBuiltIns(openWith));
      return manager;
    },
    async stagingOf(storage, load) {
      if (storage === undefined) return backends.staging();
      const known = listed.get(storage.hash);
      if (known !== undefined) return known;
      const made = createListedStagings(storage, openWith, load).then((providers) =>
        createStagingManager(providers, createBuiltIns(openWith)),
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
        caches.set(name, settings && createNodeCache(settings));
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
      const managers = [manager, ...(await Promise.all([...listed.values()].map((one) => one.catch(() => undefined))))];
      await Promise.all(managers.map((one) => one?.close()));
      await Promise.all([...stores.values()].map((store) => store.close()));
      stores.clear();
      caches.clear();
      listed.clear();
      manager = undefined;
    },
  };
  return backends;
}

function openLazily(url: string, options: StoreOptions): ObjectStore {
  const [name = '', scheme = '', bucket = ''] = /^([a-z0-9]+):\/\/([^/]+)/.exec(url) ?? [];
  const open = STORES[scheme];
  if (open === undefined) throw new SluiceError('NO_STAGING', `no object store has the scheme of ${url}`);
  return lazyStore(name, () => open(bucket, options));
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
