import { createHash, type KeyObject, verify } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parseQuery, splitTarget, uriEncode } from '../../sigv4/uri.js';
import { GcsError } from '../gcs-error.js';

export interface SignedUrlRequest {
  readonly method: string;
  /** Path and query exactly as they came over the wire. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** Whether a request says that it is signed by its URL. */
export function isSignedUrl(url: string): boolean {
  return /[?&]X-Goog-(?:Signature|Credential)=/.test(url);
}

/**
 * Checks the V4 signature of a URL.
 *
 * Sources: "V4 signing process with your own program" and "Canonical requests", Cloud Storage.
 * @throws {GcsError} `forbidden`; `badRequest` once it has expired, as Cloud Storage does.
 */
export function verifySignedUrl(
  request: SignedUrlRequest,
  { email, publicKey, nowMs }: { readonly email: string; readonly publicKey: KeyObject; readonly nowMs: number },
): void {
  const claim = parseClaim(request.url);
  if (claim.credential !== `${email}/${claim.scope}`) throw mismatch();
  const matches = hostsOf(request.headers.host ?? '').some((host) => {
    const text = stringToSign(claim, canonicalRequest(request, claim, host));
    return verify('RSA-SHA256', Buffer.from(text), publicKey, Buffer.from(claim.signature, 'hex'));
  });
  if (!matches) throw mismatch();
  if (nowMs < claim.signedAtMs - SKEW_MS) throw new GcsError('forbidden', 'The signed URL is not valid yet.');
  if (nowMs <= claim.signedAtMs + claim.expiresSeconds * 1000) return;
  throw new GcsError('badRequest', 'Invalid argument.', { xmlCode: 'ExpiredToken' });
}

interface Claim {
  readonly credential: string;
  readonly scope: string;
  readonly date: string;
  readonly signedAtMs: number;
  readonly expiresSeconds: number;
  readonly signedHeaders: readonly string[];
  /** Hex. */
  readonly signature: string;
}

const ALGORITHM = 'GOOG4-RSA-SHA256';
const SKEW_MS = 15 * 60_000;
const LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600;

function parseClaim(url: string): Claim {
  const query = new Map(parseQuery(splitTarget(url).query));
  const text = (name: string) => query.get(`X-Goog-${name}`) ?? '';
  const date = text('Date');
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const signedAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const expiresSeconds = Number(text('Expires'));
  const scope = text('Credential').split('/').slice(-4).join('/');
  const wellFormed =
    text('Algorithm') === ALGORITHM &&
    !Number.isNaN(signedAtMs) &&
    /^\d{1,6}$/.test(text('Expires')) &&
    expiresSeconds >= 1 &&
    expiresSeconds <= LONGEST_EXPIRY_SECONDS &&
    new RegExp(`^${date.slice(0, 8)}/[^/]+/storage/goog4_request$`).test(scope) &&
    /^([0-9a-f]{2})+$/.test(text('Signature'));
  if (!wellFormed) {
    throw new GcsError('badRequest', 'The parameters of the signed URL are not all there, or not well-formed.', {
      xmlCode: 'InvalidQueryParameterValue',
    });
  }
  const signedHeaders = text('SignedHeaders').toLowerCase().split(';');
  return {
    credential: text('Credential'),
    scope,
    date,
    signedAtMs,
    expiresSeconds,
    signedHeaders,
    signature: text('Signature'),
  };
}

/** Google's client for Node.js leaves the port of an endpoint of one's own out of the host that it signs. */
function hostsOf(host: string): string[] {
  return [...new Set([host, host.replace(/:\d+$/, '')])];
}

function canonicalRequest({ method, url, headers }: SignedUrlRequest, { signedHeaders }: Claim, host: string): string {
  const { path, query } = splitTarget(url);
  const pairs = parseQuery(query)
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`)
    .sort();
  const values = [...signedHeaders]
    .sort()
    .map((name) => `${name}:${name === 'host' ? host : headerValue(headers[name])}`);
  const contentSha256 = headers['x-goog-content-sha256'];
  return [
    method,
    path.split('/').map(encodedOnce).join('/'),
    pairs.join('&'),
    ...values,
    '',
    [...signedHeaders].sort().join(';'),
    typeof contentSha256 === 'string' ? contentSha256 : 'UNSIGNED-PAYLOAD',
  ].join('\n');
}

function stringToSign({ date, scope }: Claim, canonical: string): string {
  return [ALGORITHM, date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
}

function encodedOnce(segment: string): string {
  try {
    return uriEncode(decodeURIComponent(segment));
  } catch {
    return segment;
  }
}

function headerValue(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(',') : (value ?? '');
  return text.trim().replace(/\s{2,}/g, ' ');
}

function mismatch(): GcsError {
  const message = 'Access denied.';
  return new GcsError('forbidden', message, { xmlCode: 'SignatureDoesNotMatch' });
}
