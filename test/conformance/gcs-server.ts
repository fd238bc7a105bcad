import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServiceAccount } from '../../src/local-cloud/gcs/auth/service-account.js';
import { createGcsService } from '../../src/local-cloud/gcs/gcs-service.js';
import type { GcsCredentials } from '../../src/object-store/gcs/gcs-options.js';

/** A server that speaks the JSON API, with one account. */
export interface GcsServer {
  readonly endpoint: string;
  readonly credentials: GcsCredentials;
  /** Resumable uploads to a bucket that were begun and are not over. */
  openUploads(bucket: string): Promise<number>;
  close(): Promise<void>;
}

/** local-cloud's Cloud Storage behind a socket of its own; who has no token is not let in. */
export async function startGcsServer(): Promise<GcsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-gcs-'));
  const account = await openServiceAccount(folder, 'conformance');
  const buckets = join(folder, 'buckets');
  const service = createGcsService({ folder: buckets, project: 'conformance', account, anonymous: false });
  const server = createServer((request, response) => void service.handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  await account.writeKeyFile(endpoint);
  const credentials = JSON.parse(await readFile(account.keyFile, 'utf8'));
  return {
    endpoint,
    credentials,
    openUploads: async (bucket) => (await readdir(join(buckets, bucket, 'sessions'))).length,
    close: async () => {
      await service.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
