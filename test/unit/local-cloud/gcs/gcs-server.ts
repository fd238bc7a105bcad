import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import type { FaultSource } from '../../../../src/local-cloud/faults/faults.js';
import { openServiceAccount } from '../../../../src/local-cloud/gcs/auth/service-account.js';
import { createGcsService, type GcsService } from '../../../../src/local-cloud/gcs/gcs-service.js';
import { blocksIn } from '../store/blocks-in.js';

const PROJECT = 'test-project';

/** A Cloud Storage service on loopback with Google's own client; its folder outlives `restart`, not `close`. */
export interface GcsServer {
  readonly folder: string;
  endpoint: string;
  /** Sends no credentials, and retries nothing. */
  storage: Storage;
  /** Path of the account's key file. */
  keyFile: string;
  /** The clock the server goes by. */
  nowMs: () => number;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startGcsServer(
  options: { readonly anonymous?: boolean; readonly faults?: FaultSource } = {},
): Promise<GcsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-gcs-'));
  let running: { server: Server; service: GcsService } | undefined;
  const listen = async () => {
    const account = await openServiceAccount(folder, PROJECT);
    const service = createGcsService({
      folder: join(folder, 'buckets'),
      project: PROJECT,
      account,
      now: () => fixture.nowMs(),
      ...options,
    });
    const server = createServer((request, response) => void service.handle(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    running = { server, service };
    fixture.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    fixture.keyFile = account.keyFile;
    await account.writeKeyFile(fixture.endpoint);
    fixture.storage = new Storage({
      apiEndpoint: fixture.endpoint,
      projectId: PROJECT,
      keyFilename: fixture.keyFile,
      retryOptions: { autoRetry: false },
    });
  };
  const stop = async () => {
    if (running === undefined) return;
    const { server, service } = running;
    running = undefined;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await service.close();
  };
  const fixture: GcsServer = {
    folder,
    endpoint: '',
    storage: new Storage({ projectId: PROJECT }),
    keyFile: '',
    nowMs: () => Date.now(),
    restart: async () => {
      await stop();
      await listen();
    },
    close: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await listen();
  return fixture;
}

/** What the service answered: status and reason, or `ok`. */
export async function answerOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    const { code, errors, message } = error as { code?: unknown; errors?: { reason?: string }[]; message: string };
    // The client leaves the document of a refused download as it is.
    const [, reason = errors?.[0]?.reason ?? ''] = /"reason":"(\w+)"/.exec(message) ?? [];
    return `${code} ${reason}`.trim();
  }
}

/** Status and error document of a plain request. */
export async function statusOf(
  url: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string; readonly reason: string }> {
  const response = await fetch(url, init);
  const text = await response.text();
  const [, reason = ''] = /"reason":"(\w+)"/.exec(text) ?? [];
  return { status: response.status, headers: response.headers, text, reason };
}

/** How many blocks of 4 KiB the bytes of the bucket's objects take, also of those being written. */
export async function dataBlocks({ folder }: GcsServer, bucket: string): Promise<number> {
  return blocksIn(join(folder, 'buckets', bucket, 'data'));
}

/** How many uploads are under way in the bucket. */
export async function sessionsOf({ folder }: GcsServer, bucket: string): Promise<number> {
  return (await readdir(join(folder, 'buckets', bucket, 'sessions'))).length;
}

/** The account's key file. */
export async function keyOf({ keyFile }: GcsServer): Promise<{
  readonly client_email: string;
  readonly private_key: string;
  readonly token_uri: string;
}> {
  return JSON.parse(await readFile(keyFile, 'utf8'));
}
