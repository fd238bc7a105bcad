import { createHash } from 'node:crypto';
import { type SigV4Verdict, verifySigV4 } from '../sigv4.js';
import { LambdaError, type LambdaErrorName } from './lambda-error.js';
import type { Authorize } from './lambda-routes.js';

/** Who may call, and where from it must be signed. */
export interface LambdaAccess {
  readonly region: string;
  readonly secretOf: (accessKeyId: string) => string | undefined;
}

/** Demands a valid Signature Version 4 for Lambda in this region, over the body that came. */
export function createLambdaAuthorize({ region, secretOf }: LambdaAccess): Authorize {
  return (request, body) => {
    if (request.headers.authorization === undefined && !request.url.includes('X-Amz-Signature=')) {
      throw new LambdaError('MissingAuthenticationTokenException', 'Missing Authentication Token');
    }
    const verdict = verifySigV4(
      { method: request.method, url: request.raw.url ?? '', headers: request.headers },
      {
        credentials: secretOf,
        nowMs: Date.now(),
        service: 'lambda',
        region,
        bodySha256: createHash('sha256').update(body).digest('hex'),
      },
    );
    if (verdict.kind === 'refused') throw toLambdaError(verdict);
  };
}

// AWS Lambda API Reference, "Common Error Types"; the signature check words its refusals as S3 does.
const NAMES: Partial<Record<string, LambdaErrorName>> = {
  AccessDenied: 'InvalidSignatureException',
  InvalidAccessKeyId: 'UnrecognizedClientException',
  RequestTimeTooSkewed: 'InvalidSignatureException',
  SignatureDoesNotMatch: 'InvalidSignatureException',
  XAmzContentSHA256Mismatch: 'InvalidSignatureException',
};

function toLambdaError(refusal: Exclude<SigV4Verdict, { kind: 'ok' }>): LambdaError {
  const name = NAMES[refusal.code] ?? 'IncompleteSignatureException';
  if (name === 'UnrecognizedClientException') {
    return new LambdaError(name, 'The security token included in the request is invalid.');
  }
  return new LambdaError(name, refusal.message);
}
