// Of Node, and of an HttpFailure.
const BROKEN: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'CONNECT_TIMEOUT',
  'SILENCE',
  'CONNECTION_LOST',
  'BAD_ANSWER',
]);

/** Whether an error's `code` says that a connection broke, or that there was none: the next one may do better. */
export function isBrokenConnection(code: string): boolean {
  return BROKEN.has(code);
}
