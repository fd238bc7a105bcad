import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One invocation as it is handed to a runtime. */
interface RuntimeInvocation {
  readonly requestId: string;
  readonly functionArn: string;
  readonly traceId: string;
  /** JSON, if the caller gave a client context. */
  readonly clientContext: string | undefined;
  readonly payload: Buffer;
  readonly timeoutMs: number;
}

/** How a runtime answered an invocation. */
export type RuntimeAnswer =
  | { readonly kind: 'response'; readonly body: Buffer }
  | { readonly kind: 'error'; readonly body: Buffer }
  | { readonly kind: 'tooLarge' };

/** What the runtime says; each is called as it happens. */
export interface RuntimeListener {
  /** The runtime asked for its first invocation: its init is done. */
  onReady(): void;
  onInitError(body: Buffer): void;
  /** The runtime took the offered invocation. */
  onTaken(): void;
  onAnswer(answer: RuntimeAnswer): void;
}

/**
 * The Runtime API of one execution environment, on a port of its own, so that any runtime that takes its address
 * from `AWS_LAMBDA_RUNTIME_API` can be run (AWS Lambda Developer Guide, "Using the Lambda runtime API").
 */
export interface RuntimeApi {
  /** `host:port`. */
  readonly address: string;
  /** Hands the invocation to the runtime's next poll. One at a time. */
  offer(invocation: RuntimeInvocation): void;
  close(): Promise<void>;
}

/** Largest response of a synchronous invocation in bytes, as Lambda's own error message gives it. */
export const MAX_RESPONSE_BYTES = 6_291_556;

/** Largest body read at all: beyond, the connection is cut off. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/** Starts the API on a free port of 127.0.0.1. Node's bare server: there may be a thousand of them. */
export async function startRuntimeApi(listener: RuntimeListener): Promise<RuntimeApi> {
  const state = new RuntimeState(listener);
  const server = createServer((request, response) => {
    void serve(state, listener, request, response).catch(() => response.destroy());
  });
  // A connection rests as long as its invocation takes, and a poll waits as long as there is no work.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    offer: (invocation) => state.offer(invocation),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const PREFIX = '/2018-06-01/runtime/';

async function serve(
  state: RuntimeState,
  listener: RuntimeListener,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url = '' } = request;
  if (method === 'GET' && url === `${PREFIX}invocation/next`) return state.next(response);
  const [, requestId, verb] = /^\/2018-06-01\/runtime\/(?:invocation\/([^/]+)|init)\/(response|error)$/.exec(url) ?? [];
  if (method !== 'POST' || verb === undefined) return send(response, 404, { errorType: 'UnknownPath' });
  const body = await readBody(request);
  if (requestId === undefined) {
    listener.onInitError(body);
    return send(response, 202, OK);
  }
  if (verb === 'error') return state.answer(requestId, response, { kind: 'error', body });
  const tooLarge = body.length > MAX_RESPONSE_BYTES;
  state.answer(requestId, response, tooLarge ? { kind: 'tooLarge' } : { kind: 'response', body });
}

/** What waits for what: the runtime's open poll, or an invocation not yet asked for; and the one under way. */
class RuntimeState {
  readonly #listener: RuntimeListener;
  #ready = false;
  #poll: ServerResponse | undefined;
  #offered: RuntimeInvocation | undefined;
  #inFlight: string | undefined;

  constructor(listener: RuntimeListener) {
    this.#listener = listener;
  }

  next(poll: ServerResponse): void {
    this.#poll = poll;
    if (!this.#ready) this.#listener.onReady();
    this.#ready = true;
    this.#handOut();
  }

  offer(invocation: RuntimeInvocation): void {
    this.#offered = invocation;
    this.#handOut();
  }

  answer(requestId: string, response: ServerResponse, answer: RuntimeAnswer): void {
    if (requestId !== this.#inFlight) {
      send(response, 400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' });
      return;
    }
    this.#inFlight = undefined;
    this.#listener.onAnswer(answer);
    send(response, answer.kind === 'tooLarge' ? 413 : 202, OK);
  }

  #handOut(): void {
    const poll = this.#poll;
    const invocation = this.#offered;
    if (poll === undefined || invocation === undefined) return;
    this.#poll = undefined;
    this.#offered = undefined;
    this.#inFlight = invocation.requestId;
    this.#listener.onTaken();
    poll.writeHead(200, headersOf(invocation)).end(invocation.payload);
  }
}

function headersOf(invocation: RuntimeInvocation): Record<string, string | number> {
  return {
    'content-type': 'application/json',
    'content-length': invocation.payload.length,
    'lambda-runtime-aws-request-id': invocation.requestId,
    'lambda-runtime-deadline-ms': String(Date.now() + invocation.timeoutMs),
    'lambda-runtime-invoked-function-arn': invocation.functionArn,
    'lambda-runtime-trace-id': invocation.traceId,
    ...(invocation.clientContext === undefined ? {} : { 'lambda-runtime-client-context': invocation.clientContext }),
  };
}

const OK = { status: 'OK' };

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT_BYTES) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}
