import type { IncomingMessage } from 'node:http';
import { GcsError } from '../gcs-error.js';
import type { GcsTarget } from '../gcs-request.js';
import type { AccessTokens } from './access-tokens.js';
import type { ServiceAccount } from './service-account.js';
import { isSignedUrl, verifySignedUrl } from './signed-url.js';

export interface AuthorizeOptions {
  readonly account: ServiceAccount;
  readonly tokens: AccessTokens;
  /** Whether requests without credentials are let in, as clients of `STORAGE_EMULATOR_HOST` send them. */
  readonly anonymous: boolean;
  readonly now: () => number;
}

/** Lets a request in, or throws `authError` (401) or `forbidden` (403): by its signed URL, its token, or for nothing. */
export function authorize(incoming: IncomingMessage, target: GcsTarget, options: AuthorizeOptions): void {
  const { method = 'GET', url = '/', headers } = incoming;
  if (target.api === 'xml' && isSignedUrl(url)) {
    const { email, publicKey } = options.account;
    verifySignedUrl({ method, url, headers }, { email, publicKey, nowMs: options.now() });
    return;
  }
  // Who knows a session's URI may use it. Source: "Resumable uploads", Cloud Storage.
  if (target.query.has('upload_id')) return;
  if (headers.authorization === undefined) {
    if (options.anonymous) return;
    throw unauthorized('Anonymous caller does not have access to this Google Cloud Storage resource.', 'required');
  }
  const [, token = ''] = /^Bearer (\S+)$/i.exec(headers.authorization) ?? [];
  if (!options.tokens.accepts(token)) throw unauthorized('Invalid Credentials', 'authError');
}

function unauthorized(message: string, reason: 'required' | 'authError'): GcsError {
  return new GcsError(reason, message, {
    status: 401,
    xmlCode: 'AuthenticationRequired',
    location: { type: 'header', name: 'Authorization' },
    headers: { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' },
  });
}
