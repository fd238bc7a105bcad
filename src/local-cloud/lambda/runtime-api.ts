import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';

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

/** Starts the API on a free port of 127.0.0.1. */
export async function startRuntimeApi(listener: RuntimeListener): Promise<RuntimeApi> {
  const state = new RuntimeState(listener);
  const server = Fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.get('/2018-06-01/runtime/invocation/next', (_request, reply) => state.next(reply));
  server.post('/2018-06-01/runtime/invocation/:requestId/response', (request, reply) => {
    const body = bodyOf(request);
    if (body.length <= MAX_RESPONSE_BYTES) return state.answer(request, reply, { kind: 'response', body });
    reply.status(413);
    return state.answer(request, reply, { kind: 'tooLarge' });
  });
  server.post('/2018-06-01/runtime/invocation/:requestId/error', (request, reply) =>
    state.answer(request, reply, { kind: 'error', body: bodyOf(request) }),
  );
  server.post('/2018-06-01/runtime/init/error', (request, reply) => {
    listener.onInitError(bodyOf(request));
    return accept(reply);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    offer: (invocation) => state.offer(invocation),
    close: () => server.close(),
  };
}

/** What waits for what: the runtime's open poll, or an invocation not yet asked for; and the one under way. */
class RuntimeState {
  readonly #listener: RuntimeListener;
  #ready = false;
  #poll: FastifyReply | undefined;
  #offered: RuntimeInvocation | undefined;
  #inFlight: string | undefined;

  constructor(listener: RuntimeListener) {
    this.#listener = listener;
  }

  next(reply: FastifyReply): FastifyReply {
    this.#poll = reply;
    if (!this.#ready) this.#listener.onReady();
    this.#ready = true;
    this.#handOut();
    return reply;
  }

  offer(invocation: RuntimeInvocation): void {
    this.#offered = invocation;
    this.#handOut();
  }

  answer(request: FastifyRequest, reply: FastifyReply, answer: RuntimeAnswer): FastifyReply {
    const { requestId } = request.params as { requestId: string };
    if (requestId !== this.#inFlight) {
      return reply.status(400).send({ errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' });
    }
    this.#inFlight = undefined;
    this.#listener.onAnswer(answer);
    return accept(reply);
  }

  #handOut(): void {
    const poll = this.#poll;
    const invocation = this.#offered;
    if (poll === undefined || invocation === undefined) return;
    this.#poll = undefined;
    this.#offered = undefined;
    this.#inFlight = invocation.requestId;
    this.#listener.onTaken();
    void poll.headers(headersOf(invocation)).type('application/json').send(invocation.payload);
  }
}

function headersOf(invocation: RuntimeInvocation): Record<string, string> {
  return {
    'lambda-runtime-aws-request-id': invocation.requestId,
    'lambda-runtime-deadline-ms': String(Date.now() + invocation.timeoutMs),
    'lambda-runtime-invoked-function-arn': invocation.functionArn,
    'lambda-runtime-trace-id': invocation.traceId,
    ...(invocation.clientContext === undefined ? {} : { 'lambda-runtime-client-context': invocation.clientContext }),
  };
}

function accept(reply: FastifyReply): FastifyReply {
  if (reply.statusCode === 200) reply.status(202);
  return reply.send({ status: 'OK' });
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}
