import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { DEFAULT_RETRY_POLICY, retrying } from '../../object-store/retry-policy.js';
import { optionalPackage } from '../../optional-package.js';
import { connectionError, isTransient, refusalError } from './globus-errors.js';
import type { GlobusTokens, RefreshTokens } from './globus-tokens.js';

type TransferService = typeof import('@globus/sdk/services/transfer');
type SdkOptions = NonNullable<Parameters<TransferService['task']['get']>[2]>;

/** One request, and how its answer is read. */
export interface Question<T> {
  readonly what: string;
  readonly signal: AbortSignal | undefined;
  readonly answer: z.ZodType<T>;
  /** Of errors that may pass, those that do with this request. Default: all. */
  readonly mayPass?: (error: unknown) => boolean;
}

/** Sends a request, again where that may help, and resolves with what its answer says. */
export type Ask = <T>(
  question: Question<T>,
  send: (service: TransferService, sdk: SdkOptions) => Promise<Response>,
) => Promise<T>;

/** Requests that carry a valid token. */
export function createAsk(tokens: GlobusTokens): Ask {
  return async ({ what, signal, answer, mayPass = () => true }, send) => {
    const transfer = await load(() => import('@globus/sdk/services/transfer'));
    return retrying(
      async (stop) => {
        const sendAs = (token: string) => send(transfer, requestOptions(stop, { Authorization: `Bearer ${token}` }));
        const token = await tokens.current(stop);
        const first = await answered(what, () => sendAs(token));
        const response =
          first.status === 401 && !isRequirement(first.body)
            ? await tokens.renewed(token, stop).then((renewed) => answered(what, () => sendAs(renewed)))
            : first;
        if (!response.ok) throw refusalOf(what, response);
        const parsed = answer.safeParse(response.body);
        if (parsed.success) return parsed.data;
        throw new SluiceError(
          'PROTOCOL',
          `cannot ${what}: Globus's answer is not understood: ${z.prettifyError(parsed.error)}`,
        );
      },
      { policy: DEFAULT_RETRY_POLICY, isTransient: (error) => isTransient(error) && mayPass(error), what, signal },
    );
  };
}

function load<T>(part: () => Promise<T>): Promise<T> {
  return optionalPackage('@globus/sdk', 'staging through Globus', part);
}

// Node's own fetch, and not the one the package brings for browsers and old versions.
function requestOptions(signal: AbortSignal, headers: Record<string, string>): SdkOptions {
  return { fetch: { options: { signal, headers, __callable: fetch } } };
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  readonly body: unknown;
}

async function answered(what: string, send: () => Promise<Response>): Promise<Answer> {
  try {
    const response = await send();
    const text = await response.text();
    return { ok: response.ok, status: response.status, body: parseJson(text) };
  } catch (error) {
    throw connectionError(what, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const refusalDocument = z.object({
  code: z.string().optional(),
  message: z.string().optional(),
  required_scopes: z.array(z.string()).optional(),
  authorization_parameters: z.object({ required_scopes: z.array(z.string()).optional() }).optional(),
});

function isRequirement(body: unknown): boolean {
  const { data } = refusalDocument.safeParse(body);
  return data?.required_scopes !== undefined || data?.authorization_parameters !== undefined;
}

function refusalOf(what: string, { status, body }: Answer): SluiceError {
  const { data } = refusalDocument.safeParse(body);
  return refusalError(what, {
    status,
    code: data?.code ?? '',
    message: data?.message ?? '',
    requiredScopes: data?.required_scopes ?? data?.authorization_parameters?.required_scopes ?? [],
  });
}

const tokenResponse = z.object({
  access_token: z.string(),
  refresh_token: z.string().optional(),
  expires_in: z.number(),
});

/** Source: Globus Auth API, "Refresh Token Grant". */
export const refreshTokens: RefreshTokens = async ({ clientId, refreshToken }, signal) => {
  const { oauth2 } = await load(() => import('@globus/sdk/services/auth'));
  const what = 'refresh the Globus login';
  const payload = { grant_type: 'refresh_token' as const, refresh_token: refreshToken, client_id: clientId };
  const response = await answered(what, () => oauth2.token.refresh({ payload }, requestOptions(signal, {})));
  if (response.ok) {
    const { access_token, refresh_token, expires_in } = tokenResponse.parse(response.body);
    return { accessToken: access_token, refreshToken: refresh_token, expiresInMs: expires_in * 1_000 };
  }
  if (response.status >= 500 || response.status === 429)
    throw connectionError(what, new Error(`status ${response.status}`));
  throw new SluiceError(
    'ACCESS_DENIED',
    `cannot ${what}: it has ended or was revoked (status ${response.status}): log in again`,
  );
};
