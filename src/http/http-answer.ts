import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

/** Up to this size, in bytes, an answer is there as a whole before anybody reads it. */
const SMALL_BYTES = 1024 * 1024;
/** Of a larger one, so many bytes are fetched ahead of their reader. */
const AHEAD_BYTES = 1024 * 1024;

/** The answer to a request: its bytes can be read once. */
export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AnswerBody;
}

/** The header's value, where it came once; by its name in lower case. */
export function headerOf({ headers }: Answer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** One request. */
export interface HttpRequest {
  /** Scheme, host and port, where the dispatcher is not for one alone. */
  readonly origin?: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

/** What ends a request. */
export interface AnswerSignals {
  /** Until the answer is there; of a large one, until its bytes begin to come. */
  readonly signal: AbortSignal;
  /** Until all of its bytes have come, read or not. */
  readonly lasting?: AbortSignal | undefined;
}

/**
 * Sends a request through undici's lowest level: a stream and its promises for each answer would take as long as a small
 * object does. Rejects with what broke the connection, or with the signal's reason.
 */
export function dispatched(
  pool: Dispatcher,
  request: HttpRequest,
  { signal, lasting }: AnswerSignals,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let body: AnswerBody | undefined;
    let answer: Answer | undefined;
    const fail = (error: unknown): void => {
      over();
      body?.fail(error);
      // What has come of it can be taken up by whoever reads it.
      if (answer === undefined || signal.aborted) reject(error);
      else resolve(answer);
    };
    const onAbort = (): void => {
      const reason: unknown = signal.aborted ? signal.reason : lasting?.reason;
      controller?.abort(reason as Error);
      fail(reason);
    };
    const over = (): void => {
      signal.removeEventListener('abort', onAbort);
      lasting?.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    lasting?.addEventListener('abort', onAbort, { once: true });
    pool.dispatch(inSlices(request), {
      onRequestStart(started) {
        controller = started;
        if (signal.aborted) started.abort(signal.reason);
      },
      onResponseStart(started, status, headers) {
        if (status < 200) return;
        body = new AnswerBody(started);
        answer = { status, headers, body };
        const length = Number(headers['content-length'] ?? Number.POSITIVE_INFINITY);
        if (length > SMALL_BYTES) resolve(answer);
      },
      onResponseData(_, chunk) {
        body?.push(chunk);
      },
      onResponseEnd() {
        over();
        body?.end();
        resolve(answer as Answer);
      },
      onResponseError: (_, error) => fail(error),
    });
  });
}

/** Up to this size, in bytes, a body is handed over as a whole. */
const SLICE_BYTES = 256 * 1024;

/**
 * The request in undici's terms. A large body is given to it piece by piece: of one piece it would not see how it moves,
 * and take a slow line for a broken one.
 */
function inSlices({ body, headers = {}, ...request }: HttpRequest): Dispatcher.DispatchOptions {
  if (body === undefined || body.length <= SLICE_BYTES) return { ...request, headers, body: body ?? null };
  const length = { 'content-length': String(body.length) };
  // That any iterable will do is in undici's description, and not in its types.
  return { ...request, headers: { ...headers, ...length }, body: slicesOf(body) as unknown as Readable };
}

function* slicesOf(body: Uint8Array): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < body.length; at += SLICE_BYTES) yield body.subarray(at, at + SLICE_BYTES);
}

/** Told how an answer's bytes come. */
export interface BodyWatcher {
  /** Its reader is behind: nothing comes for now. */
  onPause(): void;
  onResume(): void;
  /** All of them have come, read or not. */
  onEnd(): void;
  /** No more will come: the connection broke, or nobody wants them. */
  onFail(error: unknown): void;
}

/** The bytes of an answer as they come. Whoever stops reading them ends the connection. */
export class AnswerBody implements AsyncIterable<Uint8Array> {
  readonly #controller: Dispatcher.DispatchController;
  readonly #chunks: Uint8Array[] = [];
  #ahead = 0;
  #state: { readonly kind: 'open' | 'ended' } | { readonly kind: 'failed'; readonly error: unknown } = { kind: 'open' };
  #wake: (() => void) | undefined;
  #watcher: BodyWatcher | undefined;

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
  }

  /** Tells one watcher what happens from now on, and at once what has happened. */
  watch(watcher: BodyWatcher): void {
    if (this.#state.kind === 'ended') watcher.onEnd();
    else if (this.#state.kind === 'failed') watcher.onFail(this.#state.error);
    else {
      this.#watcher = watcher;
      if (this.#controller.paused) watcher.onPause();
    }
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#ahead += chunk.byteLength;
    if (this.#ahead > AHEAD_BYTES && !this.#controller.paused) {
      this.#controller.pause();
      this.#watcher?.onPause();
    }
    this.#wake?.();
  }

  end(): void {
    this.#state = { kind: 'ended' };
    this.#wake?.();
    this.#watcher?.onEnd();
  }

  fail(error: unknown): void {
    if (this.#state.kind !== 'open') return;
    this.#state = { kind: 'failed', error };
    this.#wake?.();
    this.#watcher?.onFail(error);
  }

  /** Nobody wants the rest. */
  destroy(): void {
    if (this.#state.kind !== 'open') return;
    const reason = new Error('the rest of the answer is not wanted');
    this.fail(reason);
    this.#controller.abort(reason);
  }

  /** All of it. */
  async bytes(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async text(): Promise<string> {
    return (await this.bytes()).toString();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#ahead -= chunk.byteLength;
          if (this.#controller.paused && this.#ahead < AHEAD_BYTES / 2) {
            this.#watcher?.onResume();
            this.#controller.resume();
          }
          yield chunk;
        } else if (this.#state.kind === 'failed') throw this.#state.error;
        else if (this.#state.kind === 'ended') return;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this.destroy();
    }
  }
}
