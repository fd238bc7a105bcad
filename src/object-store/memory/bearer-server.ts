import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SluiceError } from '../../errors.js';

/** Serves what presigned URLs of a memory store name, on loopback; starts with the first URL, never holds the process. */
export interface BearerServer {
  presign(key: string, options: { method: 'GET' | 'PUT'; expiresInSeconds: number }): Promise<string>;
  close(): Promise<void>;
}

interface Bearer {
  readonly key: string;
  readonly method: 'GET' | 'PUT';
  readonly expiresAtMs: number;
}

interface BearerAccess {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, body: Uint8Array): Promise<void>;
}

/** A {@link BearerServer} in front of `access`. */
export function createBearerServer(access: BearerAccess): BearerServer {
  const bearers = new Map<string, Bearer>();
  let starting: Promise<Server> | undefined;
  return {
    async presign(key, { method, expiresInSeconds }) {
      if (!(expiresInSeconds >= 1)) {
        throw new SluiceError('INVALID_OPTIONS', `presign ${key}: a URL is valid for a second at least`);
      }
      starting ??= listen((request, response) => {
        serve(access, bearers, request, response).catch(() => response.writeHead(500).end());
      });
      const { port } = (await starting).address() as AddressInfo;
      const token = randomUUID();
      bearers.set(`/${token}`, { key, method, expiresAtMs: Date.now() + expiresInSeconds * 1_000 });
      return `http://127.0.0.1:${port}/${token}`;
    },
    async close() {
      const server = await starting;
      starting = undefined;
      server?.closeAllConnections();
      server?.close();
    },
  };
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle);
  server.unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function serve(
  access: BearerAccess,
  bearers: ReadonlyMap<string, Bearer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const bearer = bearers.get(request.url ?? '');
  if (bearer === undefined || bearer.method !== request.method || bearer.expiresAtMs < Date.now()) {
    response.writeHead(403).end();
    return;
  }
  if (bearer.method === 'PUT') {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    await access.put(bearer.key, Buffer.concat(chunks));
    response.writeHead(200).end();
    return;
  }
  const body = await access.get(bearer.key);
  if (body === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'content-length': body.length }).end(body);
}
