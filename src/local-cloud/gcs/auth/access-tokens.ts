import { type KeyObject, randomBytes, verify } from 'node:crypto';
import { GcsError } from '../gcs-error.js';

/** Hands out access tokens for signed assertions, and knows them again. */
export interface AccessTokens {
  /**
   * Trades an assertion for a token, as Google's token endpoint does.
   * Source: "Using OAuth 2.0 for Server to Server Applications". @throws {GcsError} `badRequest`
   */
  issue(assertion: string, audience: string): { readonly accessToken: string; readonly expiresInSeconds: number };
  /** Whether a bearer token lets in: one that was handed out, or a JWT that the account signed itself. */
  accepts(token: string): boolean;
}

export interface AccessTokensOptions {
  readonly email: string;
  readonly publicKey: KeyObject;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** {@link AccessTokens} of one account. */
export function createAccessTokens({ email, publicKey, now }: AccessTokensOptions): AccessTokens {
  const expiries = new Map<string, number>();
  const claimsOf = (token: string): Claims | undefined => {
    const claims = readJwt(token, publicKey);
    const nowSeconds = now() / 1000;
    if (claims === undefined || claims.iss !== email) return undefined;
    return claims.exp > nowSeconds && claims.iat <= nowSeconds + SKEW_SECONDS ? claims : undefined;
  };
  return {
    issue(assertion, audience) {
      const claims = claimsOf(assertion);
      if (claims?.aud !== audience) throw new GcsError('badRequest', 'invalid_grant: Invalid JWT Signature.');
      for (const [token, expiresAtMs] of expiries) if (expiresAtMs < now()) expiries.delete(token);
      const accessToken = `ya29.local-${randomBytes(24).toString('base64url')}`;
      expiries.set(accessToken, now() + LIFETIME_SECONDS * 1000);
      return { accessToken, expiresInSeconds: LIFETIME_SECONDS };
    },
    accepts: (token) => (expiries.get(token) ?? 0) > now() || claimsOf(token) !== undefined,
  };
}

interface Claims {
  readonly iss: string;
  readonly aud?: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
}

const LIFETIME_SECONDS = 3599;
const SKEW_SECONDS = 300;

/** The claims of a JWT of RFC 7519, signed with RS256; `undefined` when it is none, or its signature is wrong. */
function readJwt(token: string, publicKey: KeyObject): Claims | undefined {
  const [head = '', payload = '', signature = '', more] = token.split('.');
  if (signature === '' || more !== undefined) return undefined;
  try {
    if (parse<{ alg?: string }>(head).alg !== 'RS256') return undefined;
    const signed = Buffer.from(`${head}.${payload}`);
    if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) return undefined;
    const claims = parse<Claims>(payload);
    return typeof claims.exp === 'number' && typeof claims.iat === 'number' ? claims : undefined;
  } catch {
    return undefined;
  }
}

function parse<T>(part: string): T {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as T;
}
