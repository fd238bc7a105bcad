import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { createS3Service, type S3Service } from '../../../../src/local-cloud/s3/s3-service.js';
import { blocksIn } from '../store/blocks-in.js';

export const KEYS = { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local-secret' };

/** An S3 service on loopback with a client of SDK defaults; its folder outlives `restart`, not `close`. */
export interface S3Server {
  readonly folder: string;
  endpoint: string;
  client: S3Client;
  /** The clock the server goes by. */
  nowMs: () => number;
  newClient(config?: S3ClientConfig): S3Client;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startS3Server(region = 'us-east-1', furtherRegions: readonly string[] = []): Promise<S3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-s3-'));
  const clients: S3Client[] = [];
  let running: { server: Server; service: S3Service } | undefined;

  const listen = async () => {
    const service = createS3Service({
      folder: join(folder, 's3'),
      region,
      furtherRegions,
      credentials: (id) => (id === KEYS.accessKeyId ? KEYS.secretAccessKey : undefined),
      now: () => fixture.nowMs(),
    });
    const server = createServer((request, response) => void service.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    running = { server, service };
    fixture.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    fixture.client = fixture.newClient();
  };
  const stop = async () => {
    for (const client of clients.splice(0)) client.destroy();
    running?.server.closeAllConnections();
    await new Promise((resolve) => (running === undefined ? resolve(undefined) : running.server.close(resolve)));
    await running?.service.close();
    running = undefined;
  };
  const fixture: S3Server = {
    folder,
    endpoint: '',
    client: new S3Client({ region }),
    nowMs: () => Date.now(),
    newClient: (config = {}) => {
      const client = new S3Client({
        endpoint: fixture.endpoint,
        region,
        forcePathStyle: true,
        credentials: KEYS,
        maxAttempts: 1,
        ...config,
      });
      clients.push(client);
      return client;
    },
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

/** What S3 answered: the error's name and status, or `ok`. */
export async function answerOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return `${name} ${$metadata?.httpStatusCode ?? ''}`.trim();
  }
}

/** How many blocks of 4 KiB the bytes of the bucket's objects take, also of those being written. */
export async function dataBlocks({ folder }: S3Server, bucket: string): Promise<number> {
  return blocksIn(join(folder, 's3', bucket, 'data'));
}
