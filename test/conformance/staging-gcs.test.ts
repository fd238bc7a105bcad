import * as vitest from 'vitest';
import { stagingSuite } from '../../src/conformance/staging-suite.js';
import { createGcsStaging } from '../../src/data/gcs/gcs-staging.js';
import { createGcsBucket } from './gcs-bucket.js';
import { type GcsServer, startGcsServer } from './gcs-server.js';
import { fixtureOf } from './staging-bucket.js';

let server: GcsServer;
vitest.beforeAll(async () => {
  server = await startGcsServer();
});
vitest.afterAll(() => server?.close());

stagingSuite(vitest, 'gcs over local-cloud', async () => {
  const { store, close } = await createGcsBucket(server);
  return { ...fixtureOf(store, createGcsStaging({ openStore: () => store })), close };
});
