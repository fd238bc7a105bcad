import type { IncomingMessage, ServerResponse } from 'node:http';
import { GcsError } from '../gcs-error.js';
import type { AccessTokens } from './access-tokens.js';

/**
 * Answers a request for a token, in the form of RFC 6749, 5: what Google's client libraries send to the `token_uri` of
 * a service account's key file.
 */
export async function answerTokenRequest(
  incoming: IncomingMessage,
  response: ServerResponse,
  how: { readonly tokens: AccessTokens; readonly origin: string },
): Promise<void> {
  const form = new URLSearchParams(await textOf(incoming));
  try {
    if (form.get('grant_type') !== JWT_BEARER) throw new GcsError('badRequest', 'unsupported_grant_type: only JWTs.');
    const issued = how.tokens.issue(form.get('assertion') ?? '', `${how.origin}/token`);
    const { accessToken: access_token, expiresInSeconds: expires_in } = issued;
    answer(response, 200, { access_token, expires_in, token_type: 'Bearer' });
  } catch (error) {
    if (!(error instanceof GcsError)) throw error;
    const [code, ...rest] = error.message.split(': ');
    answer(response, 400, { error: code, error_description: rest.join(': ') });
  }
}

/** Source: RFC 7523. */
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const LARGEST_FORM = 64 * 1024;

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) {
    text += String(chunk);
    if (text.length > LARGEST_FORM) throw new GcsError('uploadTooLarge', 'The form is too large.');
  }
  return text;
}

function answer(response: ServerResponse, status: number, content: Readonly<Record<string, unknown>>): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(content));
}
