import type { AnswerBody } from './answer-body.js';
import type { AnswerHeaders } from './answer-head.js';

/** The answer to a request: its bytes can be read once. */
export interface Answer {
  readonly status: number;
  /** Names in lower case; values of one that came several times are joined by commas. */
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

/** One request. */
export interface HttpRequest {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** With the query. */
  readonly path: string;
  /** Besides `host`, where it is the origin's, and `content-length`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
}

/** What ends a request. */
export interface AnswerSignals {
  /** Until the answer is there; of a large one, until its bytes begin to come. */
  readonly signal: AbortSignal;
  /** From then on, until all of its bytes have come, read or not. Default: the same. */
  readonly lasting?: AbortSignal | undefined;
}
