import { randomUUID } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import type { ObjectStoreFixture } from '../../src/conformance/object-store/fixture.js';
import { createGcsStore } from '../../src/object-store/gcs/gcs-store.js';
import type { GcsServer } from './gcs-server.js';

/** Keys that Cloud Storage does not have. Source: "Object name requirements". */
const REFUSED_KEYS = Object.fromEntries(['.', '..', 'return\rin', 'line\nfeed'].map((key) => [key, 'INVALID_OPTIONS']));

/** Google's own client, as an independent one. */
export async function storageOf({
  endpoint,
  credentials,
}: Pick<GcsServer, 'endpoint' | 'credentials'>): Promise<Storage> {
  const storage = new Storage({
    apiEndpoint: endpoint,
    projectId: 'conformance',
    credentials: { ...credentials },
    useAuthWithCustomEndpoint: true,
    retryOptions: { autoRetry: false },
  });
  // Otherwise it would ask Google's own token endpoint, whatever the key file says.
  Object.assign(await storage.authClient.getClient(), { useJWTAccessWithScope: true });
  return storage;
}

/** A bucket of its own on a server that speaks the JSON API, as a fixture of the conformance suites. */
export async function createGcsBucket(server: GcsServer): Promise<ObjectStoreFixture> {
  const { endpoint, credentials } = server;
  const bucket = `b-${randomUUID()}`;
  const storage = await storageOf(server);
  await storage.createBucket(bucket);
  const store = createGcsStore({ bucket, endpoint, credentials });
  const missingBucket = createGcsStore({ bucket: `${bucket}-missing`, endpoint, credentials });
  return {
    store,
    missingBucket,
    openUploads: () => server.openUploads(bucket),
    gaps: { refusedKeys: REFUSED_KEYS },
    close: async () => {
      await Promise.all([store.close(), missingBucket.close()]);
    },
  };
}
