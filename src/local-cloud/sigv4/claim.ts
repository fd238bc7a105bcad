import type { SignedRequest } from '../sigv4.js';
import { type Refusal, refuse } from './refusal.js';
import { parseQuery, splitTarget } from './uri.js';

interface ClaimFields {
  readonly kind: 'claim';
  readonly accessKeyId: string;
  /** Date of the credential scope, `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Lower-case names. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** Time of signing as it was signed, `YYYYMMDDTHHMMSSZ`. */
  readonly amzDate: string;
  readonly signedAtMs: number;
}

/** Who claims to have signed a request, when, and with what result; nothing of it is verified yet. */
export type Claim =
  | (ClaimFields & { readonly via: 'header' })
  | (ClaimFields & {
      readonly via: 'query';
      readonly expiresSeconds: number;
      readonly contentSha256: string | undefined;
    });

/** Reads the signature from where it stands. A request that carries none is refused. */
export function parseClaim(request: SignedRequest): Claim | Refusal {
  let query: Map<string, string>;
  try {
    query = new Map(parseQuery(splitTarget(request.url).query));
  } catch {
    return refuse('InvalidURI', "Couldn't parse the specified URI.");
  }
  const { authorization } = request.headers;
  const presigned = query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature');
  if (authorization !== undefined && presigned) {
    return refuse('InvalidArgument', 'Only one auth mechanism allowed; use the query string or the header.');
  }
  if (presigned) return claimOfQuery(query);
  if (authorization === undefined) return refuse('AccessDenied', 'Access Denied');
  return claimOfHeader(authorization, request);
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600;

function claimOfHeader(authorization: string, request: SignedRequest): Claim | Refusal {
  if (!authorization.startsWith(`${ALGORITHM} `)) {
    const message = 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.';
    return refuse('InvalidRequest', message);
  }
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(',')
      .map((field) => field.trim().split(/=(.*)/s, 2) as [string, string]),
  );
  const scope = parseScope(fields.get('Credential'));
  const signedHeaders = fields.get('SignedHeaders');
  const signature = fields.get('Signature');
  if (scope === undefined || !signedHeaders || !signature) {
    return refuse('AuthorizationHeaderMalformed', 'The authorization header is malformed.');
  }
  const time = parseTime(request.headers['x-amz-date'], request.headers.date);
  if (time === undefined) {
    return refuse('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  return { kind: 'claim', via: 'header', ...scope, signedHeaders: namesOf(signedHeaders), signature, ...time };
}

function claimOfQuery(query: ReadonlyMap<string, string>): Claim | Refusal {
  const scope = parseScope(query.get('X-Amz-Credential'));
  const time = parseTime(query.get('X-Amz-Date'), undefined);
  const expires = query.get('X-Amz-Expires') ?? '';
  const signedHeaders = query.get('X-Amz-SignedHeaders');
  const signature = query.get('X-Amz-Signature');
  if (query.get('X-Amz-Algorithm') !== ALGORITHM || scope === undefined || time === undefined) {
    return queryRefusal('X-Amz-Algorithm, X-Amz-Credential and X-Amz-Date must be given and well-formed');
  }
  if (!signedHeaders || !signature) return queryRefusal('X-Amz-SignedHeaders and X-Amz-Signature must be given');
  if (!/^\d{1,7}$/.test(expires) || Number(expires) < 1 || Number(expires) > LONGEST_EXPIRY_SECONDS) {
    return queryRefusal('X-Amz-Expires must be a number of seconds between 1 and 604800');
  }
  return {
    kind: 'claim',
    via: 'query',
    ...scope,
    signedHeaders: namesOf(signedHeaders),
    signature,
    ...time,
    expiresSeconds: Number(expires),
    contentSha256: query.get('X-Amz-Content-Sha256'),
  };
}

function queryRefusal(message: string): Refusal {
  return refuse('AuthorizationQueryParametersError', message);
}

function namesOf(signedHeaders: string): string[] {
  return signedHeaders.toLowerCase().split(';');
}

function parseScope(
  credential: string | undefined,
): Pick<Claim, 'accessKeyId' | 'date' | 'region' | 'service'> | undefined {
  const match = /^(.+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/.exec(credential ?? '');
  if (match === null) return undefined;
  const [, accessKeyId = '', date = '', region = '', service = ''] = match;
  return { accessKeyId, date, region, service };
}

function parseTime(
  amzDate: string | string[] | undefined,
  httpDate: string | undefined,
): Pick<Claim, 'amzDate' | 'signedAtMs'> | undefined {
  if (typeof amzDate === 'string') {
    const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate);
    if (match === null) return undefined;
    const [, year, month, day, hour, minute, second] = match;
    const signedAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
    return Number.isNaN(signedAtMs) ? undefined : { amzDate, signedAtMs };
  }
  const signedAtMs = Date.parse(httpDate ?? '');
  if (Number.isNaN(signedAtMs)) return undefined;
  return { amzDate: new Date(signedAtMs).toISOString().replace(/[-:]|\.\d{3}/g, ''), signedAtMs };
}
