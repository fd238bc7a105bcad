import * as vitest from 'vitest';
import { objectStoreSuite } from '../../src/conformance/object-store/object-store-suite.js';
import { createMemoryStore } from '../../src/object-store/memory/memory-store.js';

objectStoreSuite(vitest, 'memory', async () => {
  const store = createMemoryStore({ bucket: 'bucket' });
  return { store, close: () => store.close() };
});
