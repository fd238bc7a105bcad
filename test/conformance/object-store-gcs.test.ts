import * as vitest from 'vitest';
import { objectStoreSuite } from '../../src/conformance/object-store/object-store-suite.js';
import { createGcsBucket } from './gcs-bucket.js';
import { type GcsServer, startGcsServer } from './gcs-server.js';

let server: GcsServer;
vitest.beforeAll(async () => {
  server = await startGcsServer();
});
vitest.afterAll(() => server?.close());

objectStoreSuite(vitest, 'gcs over local-cloud', () => createGcsBucket(server));
