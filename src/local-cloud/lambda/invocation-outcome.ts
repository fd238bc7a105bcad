import { type EnvironmentEnd, failureOf, responseTooLarge } from './invocation-failure.js';
import type { InvocationReport } from './invocation-log.js';
import { MAX_RESPONSE_BYTES, type RuntimeAnswer } from './runtime-api.js';

/** One invocation of a function. */
export interface InvocationRequest {
  readonly requestId: string;
  readonly functionArn: string;
  readonly payload: Buffer;
  /** JSON. */
  readonly clientContext: string | undefined;
}

/** What the caller gets; a failure of the function is one too. */
export interface InvocationResult {
  readonly payload: Buffer;
  readonly failed: boolean;
  /** The last 4 KB of the log. */
  readonly logTail: Buffer;
}

/** How an invocation ended that the function has seen, or could not see because its init failed. */
export type InvocationEnd =
  | RuntimeAnswer
  | { readonly kind: 'initError'; readonly body: Buffer }
  | { readonly kind: 'ended'; readonly end: EnvironmentEnd };

/** The payload a caller gets for it. */
export function payloadOf(requestId: string, end: InvocationEnd): Buffer {
  switch (end.kind) {
    case 'response':
    case 'error':
    case 'initError':
      return end.body;
    case 'tooLarge':
      return Buffer.from(JSON.stringify(responseTooLarge(MAX_RESPONSE_BYTES)));
    case 'ended':
      return Buffer.from(JSON.stringify(failureOf(requestId, end.end)));
  }
}

/** What the REPORT line says about it: errors that the handler itself throws are no matter of the platform. */
export function reportStatusOf(end: InvocationEnd): InvocationReport['status'] {
  switch (end.kind) {
    case 'response':
    case 'error':
      return { kind: 'ok' };
    case 'tooLarge':
      return { kind: 'error', type: 'Function.ResponseSizeTooLarge' };
    case 'initError':
      return { kind: 'error', type: 'Runtime.Unknown' };
    case 'ended':
      return end.end.kind === 'timeout' ? { kind: 'timeout' } : { kind: 'error', type: 'Runtime.ExitError' };
  }
}
