/** What the Lambda executor sends as an invocation's payload, as JSON. */
export type LambdaEvent =
  /** `task`: an encoded TaskEnvelope, base64; or `taskAt`, the URL of the object that holds its bytes. */
  | { readonly kind: 'run'; readonly task: string; readonly spillTo?: string }
  | { readonly kind: 'run'; readonly taskAt: string; readonly spillTo?: string };

/** What the handler answers, as JSON. */
export type LambdaReply =
  /** An encoded Outcome, base64; a large value lies in the bucket and is a reference in it. */
  | { readonly kind: 'outcome'; readonly outcome: string }
  /** URL of the object that holds the bytes of the encoded Outcome. */
  | { readonly kind: 'outcomeAt'; readonly url: string };

/**
 * Bytes of one synchronous payload, either way: 6 MB (AWS Lambda quotas, "Invocation payload").
 * Base64 makes 4 bytes of 3, and the JSON around it takes a few more.
 */
export const PAYLOAD_LIMIT_BYTES: number = 6 * 1024 * 1024;
export const INLINE_LIMIT_BYTES: number = Math.floor((PAYLOAD_LIMIT_BYTES - 4096) * 0.75);
