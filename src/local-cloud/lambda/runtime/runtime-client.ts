import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { ErrorReport } from './error-report.js';

/** One invocation as the Runtime API hands it out. */
export interface Invocation {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly functionArn: string;
  readonly traceId: string;
  readonly clientContext?: unknown;
  readonly event: unknown;
}

/** The runtime's side of the Runtime API, version 2018-06-01. */
export interface RuntimeClient {
  /** Waits as long as it takes for work; calling it tells Lambda that the runtime is ready. */
  next(): Promise<Invocation>;
  respond(requestId: string, body: string): Promise<void>;
  fail(requestId: string, report: ErrorReport): Promise<void>;
  failInit(report: ErrorReport): Promise<void>;
}

/** A client of the Runtime API at `host:port`. `node:http` and not fetch: it takes ten megabytes less to load. */
export function createRuntimeClient(hostAndPort: string): RuntimeClient {
  const agent = new Agent({ keepAlive: true });
  const base = `http://${hostAndPort}/2018-06-01/runtime`;
  const send = (method: string, path: string, body?: string): Promise<Answer> =>
    exchange(agent, method, base + path, body);
  return {
    next: async () => toInvocation(await send('GET', '/invocation/next')),
    respond: async (requestId, body) => void (await send('POST', `/invocation/${requestId}/response`, body)),
    fail: async (requestId, report) =>
      void (await send('POST', `/invocation/${requestId}/error`, JSON.stringify(report))),
    failInit: async (report) => void (await send('POST', '/init/error', JSON.stringify(report))),
  };
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function exchange(agent: Agent, method: string, url: string, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method, headers: { 'content-length': Buffer.byteLength(body) } });
    outgoing.on('error', reject);
    outgoing.on('response', async (incoming) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
        resolve({ headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      } catch (error) {
        reject(error);
      }
    });
    outgoing.end(body);
  });
}

function toInvocation({ headers, body }: Answer): Invocation {
  const header = (name: string): string => String(headers[`lambda-runtime-${name}`] ?? '');
  const clientContext = header('client-context');
  return {
    requestId: header('aws-request-id'),
    deadlineMs: Number(header('deadline-ms')),
    functionArn: header('invoked-function-arn'),
    traceId: header('trace-id'),
    ...(clientContext === '' ? {} : { clientContext: JSON.parse(clientContext) as unknown }),
    event: JSON.parse(body) as unknown,
  };
}
