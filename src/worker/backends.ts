import { readFileSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cacheSettings } from '../data/cache/cache-settings.js';
import { createNodeCache, type NodeCache } from '../data/cache/node-cache.js';
import type { CacheOptions } from '../data/cache-options.js';
import { parseObjectUrl } from '../data/data-file.js';
import { createFtpStaging } from '../data/ftp/ftp-staging.js';
import { createGlobusStaging } from '../data/globus/globus-staging.js';
import { createHttpStaging } from '../data/http/http-staging.js';
import { createLocalStaging } from '../data/local/local-staging.js';
import { createRsyncStaging } from '../data/rsync/rsync-staging.js';
import { createS3Staging } from '../data/s3/s3-staging.js';
import { createSftpStaging } from '../data/sftp/sftp-staging.js';
import type { Staging } from '../data/staging.js';
import { createStagingManager, type StagingManager } from '../data/staging-manager.js';
import { localFailure, writeWhole } from '../data/write-whole.js';
import { createZipStaging } from '../data/zip/zip-staging.js';
import { SluiceError } from '../errors.js';
import { lazyStore } from '../object-store/lazy-store.js';
import type { ObjectStore } from '../object-store/object-store.js';

/** Stores and staging of one process; connections open, and SDKs load, when first used. */
export interface Backends {
  /** The store of a bucket, by its URL or that of an object in it. @throws {SluiceError} `NO_STAGING` */
  store(url: string, options?: StoreOptions): ObjectStore;
  staging(): StagingManager;
  /** What tasks with these options share on this node; `undefined` where they share nothing. @throws {SluiceError} `INVALID_OPTIONS` */
  cache(options?: CacheOptions | false): NodeCache | undefined;
  /** The bytes of an object, or of a local file, by its URL. */
  fetch(url: string): Promise<Uint8Array>;
  /** Writes bytes as an object or a local file, as a whole, where {@link fetch} finds them. */
  keep(url: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

interface StoreOptions {
  readonly region?: string;
}

/** Scheme → store. A new object store is one row here. */
const STORES: Readonly<Record<string, (bucket: string, options: StoreOptions) => Promise<ObjectStore>>> = {
  s3: async (bucket, options) => {
    const { createS3Store } = await import('../object-store/s3/s3-store.js');
    return createS3Store({ bucket, ...options });
  },
};

/** Staging providers, first match wins. A new scheme is one row here. */
const STAGING: readonly ((backends: Backends) => Staging)[] = [
  () => createLocalStaging(),
  (backends) => createS3Staging({ openStore: (bucket) => backends.store(`s3://${bucket}`) }),
  () => createHttpStaging(),
  () => createSftpStaging(),
  () => createFtpStaging(),
  () => createGlobusStaging(),
  () => createZipStaging(),
  () => createRsyncStaging(),
];

/** The one table of what exists, for workers and clients alike. */
export function createBackends(): Backends {
  const stores = new Map<string, ObjectStore>();
  // Workers that serve several runs may be asked for several.
  const caches = new Map<string, NodeCache | undefined>();
  let manager: StagingManager | undefined;
  const backends: Backends = {
    store(url, options = {}) {
      const [, scheme = '', bucket = ''] = /^([a-z0-9]+):\/\/([^/]+)/.exec(url) ?? [];
      const open = STORES[scheme];
      if (open === undefined) throw new SluiceError('NO_STAGING', `no object store has the scheme of ${url}`);
      // Whoever opens a bucket first says where it is; those who know its URL only come later.
      const name = `${scheme}://${bucket}`;
      const store = stores.get(name) ?? lazyStore(name, () => open(bucket, options));
      stores.set(name, store);
      return store;
    },
    staging() {
      manager ??= createStagingManager(STAGING.map((create) => create(backends)));
      return manager;
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
      await manager?.close();
      await Promise.all([...stores.values()].map((store) => store.close()));
      stores.clear();
      caches.clear();
      manager = undefined;
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
