import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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

/** A store whose server answers request after request as the script says; the last answer is repeated. */
export async function scriptedStore(
  script: readonly Answer[],
  options: Partial<S3StoreOptions> = {},
): Promise<{ readonly store: ObjectStore; readonly seen: readonly Seen[]; close(): Promise<void> }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const one = { method, url, headers, body: Buffer.concat(chunks) };
    seen.push(one);
    script[Math.min(seen.length, script.length) - 1]?.(response, one);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const store = createS3Store({
    bucket: 'bucket',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very-secret' },
    retry: { attempts: 4, baseDelayMs: 1, maxDelayMs: 2, deadlineMs: 5_000 },
    ...options,
  });
  return {
    store,
    seen,
    close: async () => {
      await store.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
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
