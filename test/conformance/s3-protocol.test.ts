import { afterAll, beforeAll } from 'vitest';
import { s3ProtocolSuite } from './s3-protocol/s3-protocol-suite.js';
import { startS3Server } from './s3-server.js';

let server: Awaited<ReturnType<typeof startS3Server>>;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server?.close());

// No deviations: what a stand-in for the cloud gets wrong, its users find out in the cloud.
s3ProtocolSuite('local-cloud', () => server);
