import type { IncomingMessage, ServerResponse } from 'node:http';

/** The requests under way of one service. */
export interface RequestLedger {
  /** Whether {@link close} was called. */
  readonly closed: boolean;
  /** Runs what answers a request, and reads a body that nobody wanted to its end. */
  run(request: IncomingMessage, response: ServerResponse, answer: () => Promise<void>): Promise<void>;
  /** Resolves when the requests under way are answered, or cut off after two seconds. Idempotent. */
  close(): Promise<void>;
}

/** A {@link RequestLedger} in which nothing stands yet. */
export function createRequestLedger(): RequestLedger {
  const underWay = new Map<Promise<void>, ServerResponse>();
  let closed = false;
  return {
    get closed() {
      return closed;
    },
    async run(request, response, answer) {
      const answered = answer();
      underWay.set(answered, response);
      await answered;
      underWay.delete(answered);
      await drain(request);
    },
    async close() {
      closed = true;
      const cutOff = setTimeout(() => {
        for (const response of underWay.values()) response.destroy();
      }, CLOSE_GRACE_MS);
      await Promise.all(underWay.keys());
      clearTimeout(cutOff);
    },
  };
}

const CLOSE_GRACE_MS = 2000;

/** Reads on, so that a client still sending its body gets to read the answer. */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed || (request.complete && request.readableLength === 0)) return;
  try {
    for await (const _ of request);
  } catch {
    // The client has gone.
  }
}
