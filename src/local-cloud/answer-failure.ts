import type { ServerResponse } from 'node:http';

/** Answers a request that failed, by `reply`; where its answer has begun, or its client has gone, there is no other. */
export function answerFailure(response: ServerResponse, reply: () => void): void {
  if (response.destroyed || response.socket?.destroyed) return;
  // The status is out already: a cut connection is the only way left to say that the body is not whole.
  if (response.headersSent) response.destroy();
  else reply();
}
