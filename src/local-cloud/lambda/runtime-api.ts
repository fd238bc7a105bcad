import { type Exchange, startRuntimeServer } from './runtime-server.js';

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

/** Starts the API on a free port of 127.0.0.1. */
export async function startRuntimeApi(listener: RuntimeListener): Promise<RuntimeApi> {
  const state = new RuntimeState(listener);
  const { address, close } = await startRuntimeServer((exchange) => serve(state, listener, exchange));
  return { address, offer: (invocation) => state.offer(invocation), close };
}

const PREFIX = '/2018-06-01/runtime/';
const ANSWER = /^\/2018-06-01\/runtime\/(?:invocation\/([^/]+)|init)\/(response|error)$/;

function serve(state: RuntimeState, listener: RuntimeListener, exchange: Exchange): void {
  const { method, target, body } = exchange;
  const [, requestId, verb] = ANSWER.exec(target) ?? [];
  if (method === 'GET' && target === `${PREFIX}invocation/next`) {
    state.next(exchange);
  } else if (method !== 'POST' || verb === undefined) {
    send(exchange, 404, { errorType: 'UnknownPath' });
  } else if (requestId === undefined) {
    listener.onInitError(body);
    send(exchange, 202, OK);
  } else {
    state.answer(requestId, exchange, toAnswer(verb, body));
  }
}

function toAnswer(verb: string, body: Buffer): RuntimeAnswer {
  if (verb === 'error') return { kind: 'error', body };
  return body.length > MAX_RESPONSE_BYTES ? { kind: 'tooLarge' } : { kind: 'response', body };
}

/** What waits for what: the runtime's open poll, or an invocation not yet asked for; and the one under way. */
class RuntimeState {
  readonly #listener: RuntimeListener;
  #ready = false;
  #poll: Exchange | undefined;
  #offered: RuntimeInvocation | undefined;
  #inFlight: string | undefined;

  constructor(listener: RuntimeListener) {
    this.#listener = listener;
  }

  next(poll: Exchange): void {
    this.#poll = poll;
    if (!this.#ready) this.#listener.onReady();
    this.#ready = true;
    this.#handOut();
  }

  offer(invocation: RuntimeInvocation): void {
    this.#offered = invocation;
    this.#handOut();
  }

  answer(requestId: string, exchange: Exchange, answer: RuntimeAnswer): void {
    if (requestId !== this.#inFlight) {
      send(exchange, 400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' });
      return;
    }
    this.#inFlight = undefined;
    this.#listener.onAnswer(answer);
    send(exchange, answer.kind === 'tooLarge' ? 413 : 202, OK);
  }

  #handOut(): void {
    const poll = this.#poll;
    const invocation = this.#offered;
    if (poll === undefined || invocation === undefined) return;
    this.#poll = undefined;
    this.#offered = undefined;
    this.#inFlight = invocation.requestId;
    this.#listener.onTaken();
    poll.answer(200, headersOf(invocation), invocation.payload);
  }
}

function headersOf(invocation: RuntimeInvocation): Record<string, string> {
  return {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': invocation.requestId,
    'lambda-runtime-deadline-ms': String(Date.now() + invocation.timeoutMs),
    'lambda-runtime-invoked-function-arn': invocation.functionArn,
    'lambda-runtime-trace-id': invocation.traceId,
    ...(invocation.clientContext === undefined ? {} : { 'lambda-runtime-client-context': invocation.clientContext }),
  };
}

const OK = { status: 'OK' };
const JSON_TYPE = { 'content-type': 'application/json' };

function send(exchange: Exchange, status: number, body: object): void {
  exchange.answer(status, JSON_TYPE, JSON.stringify(body));
}
