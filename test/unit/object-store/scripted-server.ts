import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GcsStoreOptions } from '../../../src/object-store/gcs/gcs-options.js';
import { createGcsStore } from '../../../src/object-store/gcs/gcs-store.js';
import type { ObjectStore } from '../../../src/object-store/object-store.js';
import type { S3StoreOptions } from '../../../src/object-store/s3/s3-options.js';
import { createS3Store } from '../../../src/object-store/s3/s3-store.js';

/** One request as it arrived. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Answer = (response: ServerResponse, request: Seen) => void;

interface ScriptedServer {
  readonly endpoint: string;
  /** What came, in the order in which it had come whole. */
  readonly seen: readonly Seen[];
  /** How many requests broke off before they had come whole. */
  broken(): number;
  close(): Promise<void>;
}

/** Answers request after request as the script says; the last answer is repeated. */
export async function scriptedServer(script: readonly Answer[]): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  let broken = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      broken += 1;
      return;
    }
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks) };
    seen.push(one);
    script[Math.min(seen.length, script.length) - 1]?.(response, one);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    broken: () => broken,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Four attempts, at once. */
const RETRY = { attempts: 4, baseDelayMs: 1, maxDelayMs: 2, deadlineMs: 5_000 };

interface ScriptedStore extends Pick<ScriptedServer, 'endpoint' | 'seen' | 'broken'> {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

function storeOver(server: ScriptedServer, store: ObjectStore): ScriptedStore {
  return {
    store,
    endpoint: server.endpoint,
    seen: server.seen,
    broken: server.broken,
    close: async () => {
      await store.close();
      await server.close();
    },
  };
}

/** An S3 store over a {@link scriptedServer}. */
export async function scriptedStore(
  script: readonly Answer[],
  options: Partial<S3StoreOptions> = {},
): Promise<ScriptedStore> {
  const server = await scriptedServer(script);
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very-secret' };
  const { endpoint } = server;
  const store = createS3Store({
    bucket: 'bucket',
    region: 'us-east-1',
    endpoint,
    credentials,
    retry: RETRY,
    ...options,
  });
  return storeOver(server, store);
}

/** A store of Cloud Storage over a {@link scriptedServer}. */
export async function scriptedGcsStore(
  script: readonly Answer[],
  options: Partial<GcsStoreOptions> = {},
): Promise<ScriptedStore> {
  const server = await scriptedServer(script);
  const store = createGcsStore({ bucket: 'bucket', endpoint: server.endpoint, retry: RETRY, ...options });
  return storeOver(server, store);
}

/** An error document of the JSON API. */
export function failingJson(status: number, reason: string, message = `said ${reason}`): Answer {
  return (response) => {
    const body = JSON.stringify({ error: { code: status, message, errors: [{ message, domain: 'global', reason }] } });
    response.writeHead(status, { 'content-type': 'application/json', 'x-guploader-uploadid': 'REQ1' }).end(body);
  };
}

/** An error document of S3. */
export function failing(status: number, code: string, extra = ''): Answer {
  return (response) => {
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>said ${code}</Message>${extra}</Error>`;
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'REQ1' }).end(body);
  };
}

/** A success with these headers and this body. */
export function answering(headers: Record<string, string>, body: string | Uint8Array = ''): Answer {
  return (response) => void response.writeHead(200, headers).end(body);
}

/** Cuts the connection without a word. */
export const hangingUp: Answer = (response) => void response.destroy();

/** Takes the request and never answers. */
export const silent: Answer = () => undefined;
