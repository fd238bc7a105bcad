import { lazyStaging } from '../data/lazy-staging.js';
import { declarePeers, type OwnFolder } from '../data/peers/peer-declaration.js';
import type { Staging } from '../data/staging.js';
import { createStagingManager, type StagingManager } from '../data/staging-manager.js';
import { SluiceError } from '../errors.js';
import { lazyStore } from '../object-store/lazy-store.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { createBuiltIns, type OpenStoreWith } from './staging-table.js';

/** Object stores and Sluice's own staging, of one process; connections open, and SDKs load, when first used. */
export interface Stores {
  /** The store of a bucket, by its URL or that of an object in it. @throws {SluiceError} `NO_STAGING` */
  store(url: string, options?: StoreOptions): ObjectStore;
  /** One with options of its own, which others do not get; the same one each time. */
  readonly openWith: OpenStoreWith;
  /** Sluice's own staging, as the environment says. */
  staging(): StagingManager;
  /** Who moves what a run itself has put somewhere, which may also be on a node. */
  createOwn(): readonly Staging[];
  close(): Promise<void>;
}

export interface StoreOptions {
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

/** @param own where the files of this node are kept, which gives them to others; absent where it does not */
export function createStores(own?: OwnFolder): Stores {
  const stores = new Map<string, ObjectStore>();
  let manager: StagingManager | undefined;
  const storeOf = (name: string, url: string, options: StoreOptions): ObjectStore => {
    const store = stores.get(name) ?? openLazily(url, options);
    stores.set(name, store);
    return store;
  };
  const all: Stores = {
    store(url, options = {}) {
      // Whoever opens a bucket first says where it is; those who know its URL only come later.
      const [name = ''] = /^[a-z0-9]+:\/\/[^/]+/.exec(url) ?? [];
      return storeOf(name, url, options);
    },
    openWith(url, options) {
      return options === undefined ? all.store(url) : storeOf(`${url} ${JSON.stringify(options)}`, url, options);
    },
    staging() {
      manager ??= createStagingManager(all.createOwn());
      return manager;
    },
    createOwn: () => [...createBuiltIns(all.openWith), createPeers(own)],
    async close() {
      await manager?.close();
      await Promise.all([...stores.values()].map((store) => store.close()));
      stores.clear();
      manager = undefined;
    },
  };
  return all;
}

function createPeers(own: OwnFolder | undefined): Staging {
  return lazyStaging(declarePeers(own), async () => {
    const { createPeerStaging } = await import('../data/peers/peer-staging.js');
    return createPeerStaging({ own });
  });
}

function openLazily(url: string, options: StoreOptions): ObjectStore {
  const [name = '', scheme = '', bucket = ''] = /^([a-z0-9]+):\/\/([^/]+)/.exec(url) ?? [];
  const open = STORES[scheme];
  if (open === undefined) throw new SluiceError('NO_STAGING', `no object store has the scheme of ${url}`);
  return lazyStore(name, () => open(bucket, options));
}
