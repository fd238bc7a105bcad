import type { ErrorReport } from './error-report.js';
import type { HttpAnswer } from './http-answer.js';
import { createHttpConnection } from './http-connection.js';

/** One invocation as the Runtime API hands it out. */
export interface Invocation {
  readonly requestId: string;
  readonly deadlineMs: number;
  readonly functionArn: string;
  readonly traceId: string;
  readonly clientContext?: unknown;
  readonly event: unknown;
}

/** The runtime's side of the Runtime API, version 2018-06-01. Nothing need be awaited before the next is called. */
export interface RuntimeClient {
  /** Waits as long as it takes for work; calling it tells Lambda that the runtime is ready. */
  next(): Promise<Invocation>;
  respond(requestId: string, body: string): Promise<void>;
  fail(requestId: string, report: ErrorReport): Promise<void>;
  failInit(report: ErrorReport): Promise<void>;
}

/** A client of the Runtime API at `host:port`. */
export function createRuntimeClient(hostAndPort: string): RuntimeClient {
  const connection = createHttpConnection(hostAndPort);
  const base = '/2018-06-01/runtime';
  const post = async (path: string, body: string): Promise<void> =>
    void (await connection.send('POST', base + path, body));
  return {
    next: async () => toInvocation(await connection.send('GET', `${base}/invocation/next`)),
    respond: (requestId, body) => post(`/invocation/${requestId}/response`, body),
    fail: (requestId, report) => post(`/invocation/${requestId}/error`, JSON.stringify(report)),
    failInit: (report) => post('/init/error', JSON.stringify(report)),
  };
}

function toInvocation({ headers, body }: HttpAnswer): Invocation {
  const header = (name: string): string => headers[`lambda-runtime-${name}`] ?? '';
  const clientContext = header('client-context');
  return {
    requestId: header('aws-request-id'),
    deadlineMs: Number(header('deadline-ms')),
    functionArn: header('invoked-function-arn'),
    traceId: header('trace-id'),
    ...(clientContext === '' ? {} : { clientContext: JSON.parse(clientContext) as unknown }),
    event: JSON.parse(body.toString()) as unknown,
  };
}
