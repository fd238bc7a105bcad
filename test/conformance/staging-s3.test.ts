import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createS3Staging } from '../../src/data/s3/s3-staging.js';
import { createMemoryStore } from '../../src/object-store/memory/memory-store.js';
import { createS3Bucket } from './s3-bucket.js';
import { startS3Server } from './s3-server.js';
import { fixtureOf } from './staging-bucket.js';

let server: Awaited<ReturnType<typeof startS3Server>>;
vitest.beforeAll(async () => {
  server = await startS3Server();
});
vitest.afterAll(() => server?.close());

stagingSuite(vitest, 's3 over memory', async () => {
  const store = createMemoryStore({ bucket: 'bucket' });
  return fixtureOf(store, createS3Staging({ openStore: () => store }));
});

stagingSuite(vitest, 's3 over local-cloud', async () => {
  const { store, close } = await createS3Bucket(server);
  return { ...fixtureOf(store, createS3Staging({ openStore: () => store })), close };
});
