import type { ObjectStore } from './object-store.js';

/**
 * A store whose code is loaded by its first request: what it takes to talk to a service is most of what a worker would
 * load, and many never do. What `open` throws, every request rejects with.
 */
export function lazyStore(url: string, open: () => Promise<ObjectStore>): ObjectStore {
  let opened: Promise<ObjectStore> | undefined;
  const store = (): Promise<ObjectStore> => {
    opened ??= open();
    return opened;
  };
  return {
    url,
    get: async (...request) => (await store()).get(...request),
    getStream: async (...request) => (await store()).getStream(...request),
    put: async (...request) => (await store()).put(...request),
    putParts: async (...request) => (await store()).putParts(...request),
    head: async (...request) => (await store()).head(...request),
    async *listAfter(...request) {
      yield* (await store()).listAfter(...request);
    },
    deleteMany: async (...request) => (await store()).deleteMany(...request),
    presign: async (...request) => (await store()).presign(...request),
    async close() {
      const ended = await opened?.catch(() => undefined);
      await ended?.close();
    },
  };
}
