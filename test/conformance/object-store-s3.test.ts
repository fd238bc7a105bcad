import * as vitest from 'vitest';
import { objectStoreSuite } from '../../src/conformance/object-store/object-store-suite.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { createS3Bucket } from './s3-bucket.js';
import { startS3Server } from './s3-server.js';

let server: Awaited<ReturnType<typeof startS3Server>>;
vitest.beforeAll(async () => {
  server = await startS3Server();
});
vitest.afterAll(() => server?.close());

objectStoreSuite(vitest, 's3 over local-cloud', () => createS3Bucket(server));

vitest.test.each([
  ['a wrong secret', { accessKeyId: 'AKIATEST', secretAccessKey: 'not-it' }, /secret key/],
  ['an unknown access key', { accessKeyId: 'AKIANOBODY', secretAccessKey: 'not-it' }, /access key does not exist/],
])('%s is ACCESS_DENIED at every request, head included, and says what to check', async (_, credentials, message) => {
  const store = createS3Store({ bucket: 'bucket', region: 'us-east-1', endpoint: server.endpoint, credentials });
  const { expect } = vitest;
  const denied = { code: 'ACCESS_DENIED', message: expect.stringMatching(message) };
  await expect(store.get('key')).rejects.toMatchObject(denied);
  await expect(store.put('key', new Uint8Array(1))).rejects.toMatchObject(denied);
  await expect(store.head('key')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  await store.close();
});
