import type { IncomingHttpHeaders } from 'node:http';
import { canonicalRequest } from './sigv4/canonical-request.js';
import { type ChunkSignatures, createChunkSignatures } from './sigv4/chunk-signatures.js';
import { type Claim, parseClaim } from './sigv4/claim.js';
import { type Refusal, refuse } from './sigv4/refusal.js';
import { sameSignature, sign, signingKey, stringToSign } from './sigv4/signing-key.js';

/** What of an HTTP request is covered by its signature. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as they came over the wire: decoding them first would change the signature. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface SigV4Options {
  /** The secret of an access key; `undefined` when the key does not exist. */
  readonly credentials: (accessKeyId: string) => string | undefined;
  /** The server's clock, in milliseconds since the epoch. */
  readonly nowMs: number;
  /** Service and region the credential scope must name. Left out: any is accepted. */
  readonly service?: string;
  readonly region?: string;
  /** SHA-256 of the body, hex, where the caller already has the whole body. */
  readonly bodySha256?: string;
}

/** What a valid signature says about the body, which the caller has still to check while reading it. */
export type SignedPayload =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'sha256'; readonly sha256: string }
  | { readonly kind: 'streaming-unsigned-trailer' }
  | { readonly kind: 'streaming-signed'; readonly withTrailer: boolean; readonly chunks: ChunkSignatures };

export type SigV4Verdict =
  | {
      readonly kind: 'ok';
      readonly accessKeyId: string;
      readonly service: string;
      readonly region: string;
      /** Where the signature stood: a presigned URL carries it in its query. */
      readonly via: 'header' | 'query';
      /** The request's own signature, hex: the seed of chunk signatures. */
      readonly signature: string;
      readonly payload: SignedPayload;
    }
  | Refusal;

/**
 * Checks the AWS Signature Version 4 of a request, in its `Authorization` header or in its query (presigned URLs).
 *
 * Never throws. A refusal carries the code, status and message S3 answers with; other services name them otherwise.
 * Source: Signature Version 4 in the IAM User Guide and "Authenticating Requests" in the S3 API Reference.
 */
export function verifySigV4(request: SignedRequest, options: SigV4Options): SigV4Verdict {
  const claim = parseClaim(request);
  if (claim.kind === 'refused') return claim;
  const refusal = scopeRefusal(claim, options) ?? timeRefusal(claim, options.nowMs);
  if (refusal !== undefined) return refusal;
  const secret = options.credentials(claim.accessKeyId);
  if (secret === undefined) {
    return refuse('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      AWSAccessKeyId: claim.accessKeyId,
    });
  }
  const payloadHash = declaredPayloadHash(request, claim, options);
  if (payloadHash === undefined) {
    return refuse('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  return compareSignatures(request, claim, { secret, payloadHash, bodySha256: options.bodySha256 });
}

const SKEW_MS = 15 * 60_000;
const SHA256_HEX = /^[0-9a-f]{64}$/;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function compareSignatures(
  request: SignedRequest,
  claim: Claim,
  given: { secret: string; payloadHash: string; bodySha256: string | undefined },
): SigV4Verdict {
  const unsigned = unsignedHeaders(request, claim);
  if (unsigned.length > 0) {
    const message = 'There were headers present in the request which were not signed';
    return refuse('AccessDenied', message, { HeadersNotSigned: unsigned.join(', ') });
  }
  const canonical = canonicalRequest(request, claim, given.payloadHash);
  const text = stringToSign(claim, canonical);
  const key = signingKey(given.secret, claim);
  const expected = sign(key, text);
  if (!sameSignature(expected, claim.signature)) {
    const message =
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.';
    return refuse('SignatureDoesNotMatch', message, {
      AWSAccessKeyId: claim.accessKeyId,
      StringToSign: text,
      SignatureProvided: claim.signature,
      CanonicalRequest: canonical,
    });
  }
  const payload = payloadOf(given.payloadHash, claim, key);
  if (payload === undefined) {
    const message =
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.';
    return refuse('InvalidArgument', message);
  }
  if (payload.kind === 'sha256' && given.bodySha256 !== undefined && payload.sha256 !== given.bodySha256) {
    const message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
    return refuse('XAmzContentSHA256Mismatch', message);
  }
  const { accessKeyId, service, region, via, signature } = claim;
  return { kind: 'ok', accessKeyId, service, region, via, signature, payload };
}

function scopeRefusal(claim: Claim, options: SigV4Options): Refusal | undefined {
  const code = claim.via === 'query' ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed';
  if (options.region !== undefined && claim.region !== options.region) {
    return refuse(code, `the region '${claim.region}' is wrong; expecting '${options.region}'`, {
      Region: options.region,
    });
  }
  if (options.service !== undefined && claim.service !== options.service) {
    return refuse(code, `incorrect service "${claim.service}". This endpoint belongs to "${options.service}".`);
  }
  if (!claim.amzDate.startsWith(claim.date)) {
    return refuse(code, `the date of the credential scope, ${claim.date}, is not that of the request`);
  }
  return undefined;
}

function timeRefusal(claim: Claim, nowMs: number): Refusal | undefined {
  if (claim.via === 'query') {
    if (claim.signedAtMs > nowMs + SKEW_MS) return refuse('AccessDenied', 'Request is not yet valid');
    const expiresAtMs = claim.signedAtMs + claim.expiresSeconds * 1000;
    if (nowMs <= expiresAtMs) return undefined;
    return refuse('AccessDenied', 'Request has expired', {
      Expires: new Date(expiresAtMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    });
  }
  if (Math.abs(claim.signedAtMs - nowMs) <= SKEW_MS) return undefined;
  return refuse('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.', {
    RequestTime: claim.amzDate,
    ServerTime: new Date(nowMs).toISOString(),
    MaxAllowedSkewMilliseconds: String(SKEW_MS),
  });
}

/** What stood for the body's hash when the client signed; `undefined` when S3 demands it and it is missing. */
function declaredPayloadHash(request: SignedRequest, claim: Claim, options: SigV4Options): string | undefined {
  if (claim.via === 'query') return claim.contentSha256 ?? (claim.service === 's3' ? 'UNSIGNED-PAYLOAD' : EMPTY_SHA256);
  const header = request.headers['x-amz-content-sha256'];
  if (typeof header === 'string') return header;
  return claim.service === 's3' ? undefined : (options.bodySha256 ?? EMPTY_SHA256);
}

/** S3 demands that every `x-amz-` header be covered by the signature; so nobody can add one to a presigned URL. */
function unsignedHeaders(request: SignedRequest, claim: Claim): string[] {
  if (claim.service !== 's3') return [];
  return Object.keys(request.headers).filter(
    (name) =>
      name.startsWith('x-amz-') &&
      !claim.signedHeaders.includes(name) &&
      !(claim.via === 'query' && name === 'x-amz-content-sha256'),
  );
}

function payloadOf(hash: string, claim: Claim, key: Buffer): SignedPayload | undefined {
  switch (hash) {
    case 'UNSIGNED-PAYLOAD':
      return { kind: 'unsigned' };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'streaming-unsigned-trailer' };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'streaming-signed', withTrailer: false, chunks: createChunkSignatures(key, claim) };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'streaming-signed', withTrailer: true, chunks: createChunkSignatures(key, claim) };
    default:
      return SHA256_HEX.test(hash) ? { kind: 'sha256', sha256: hash } : undefined;
  }
}
