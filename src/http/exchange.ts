import type { Answer, AnswerSignals, HttpRequest } from './answer.js';
import { AnswerBody, type BodySource } from './answer-body.js';
import type { AnswerHead } from './answer-head.js';
import type { AnswerListener } from './answer-reader.js';
import { BLOCK_BYTES } from './blocks.js';

/** A request and its answer: it waits for a connection, is carried by it, and is settled once. */
export class Exchange implements AnswerListener {
  readonly request: HttpRequest;
  readonly #lasting: AbortSignal;
  /** What ends it now. */
  #signal: AbortSignal;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: unknown) => void;
  #carrier: BodySource | undefined;
  #answer: Answer | undefined;
  #isOver = false;

  /** Calls one of `resolve`, with the answer as {@link AnswerSignals} says when, and `reject`. */
  constructor(
    request: HttpRequest,
    { signal, lasting = signal }: AnswerSignals,
    settle: { readonly resolve: (answer: Answer) => void; readonly reject: (error: unknown) => void },
  ) {
    this.request = request;
    this.#signal = signal;
    this.#lasting = lasting;
    this.#resolve = settle.resolve;
    this.#reject = settle.reject;
    this.#listenTo(signal);
  }

  /** Whether nothing has to be done for it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  carriedBy(connection: BodySource): void {
    this.#carrier = connection;
  }

  onHead({ status, headers, length }: AnswerHead): void {
    this.#answer = { status, headers, body: new AnswerBody(this.#carrier as BodySource) };
    const isSmall = typeof length === 'number' && length <= BLOCK_BYTES;
    if (isSmall) return;
    this.#resolve(this.#answer);
    if (this.#lasting !== this.#signal) this.#listenTo(this.#lasting);
  }

  onData(bytes: Uint8Array): void {
    this.#answer?.body.push(bytes);
  }

  onEnd(): void {
    if (!this.#finish()) return;
    this.#answer?.body.end();
    this.#resolve(this.#answer as Answer);
  }

  /** It is broken off, or cannot begin. */
  fail(error: unknown): void {
    if (!this.#finish()) return;
    this.#answer?.body.fail(error);
    // What has come of it can be taken up by whoever reads it.
    if (this.#answer === undefined || this.#signal.aborted) this.#reject(error);
    else this.#resolve(this.#answer);
  }

  readonly #onAbort = (): void => {
    const reason = this.#signal.reason as Error;
    this.fail(reason);
    this.#carrier?.abort(reason);
  };

  #listenTo(signal: AbortSignal): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    return true;
  }
}
