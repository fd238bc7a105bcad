/**
 * Why a request has no answer, or no whole one: `CONNECT_TIMEOUT`, nobody answered where it goes; `SILENCE`, nothing moved for too
 * long; `CONNECTION_LOST`, the connection ended before the answer did; `BAD_ANSWER`, what came is no HTTP. What the system calls an
 * error comes as it is, with its own code.
 */
export type HttpFailureCode = 'CONNECT_TIMEOUT' | 'SILENCE' | 'CONNECTION_LOST' | 'BAD_ANSWER';

/** A request that has failed on its way. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure';
  readonly code: HttpFailureCode;

  constructor(code: HttpFailureCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The failure of an answer that cannot be understood, and why, in words. */
export function badAnswer(text: string): HttpFailure {
  return new HttpFailure('BAD_ANSWER', `the answer is not HTTP: ${text}`);
}
