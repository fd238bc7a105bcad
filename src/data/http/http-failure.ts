import { SluiceError } from '../../errors.js';
import { retryAfterMs } from '../../http/retry-after.js';
import { shownUrl } from '../shown-url.js';
import { signedUntilMs } from './signed-url.js';

/** Why a request did not bring what it was sent for. */
export interface HttpFailure {
  readonly error: SluiceError;
  /** Whether another try could end otherwise. */
  readonly transient: boolean;
  /** Whether the server has too much to do. */
  readonly busy: boolean;
  /** Wait that the server asks for, in milliseconds. */
  readonly waitMs?: number | undefined;
}

/** An answer that is not what was asked for. */
export interface Refusal {
  /** What was done, and with which file. */
  readonly what: string;
  readonly method: string;
  /** Where the request went in the end. */
  readonly url: URL;
  readonly status: number;
  /** A header of the answer, by its name in small letters. */
  header(name: string): string | undefined;
  /** The error's code in the answer's body, as S3 and its relatives name it. */
  readonly code?: string | undefined;
}

/** What a status means. Sources: RFC 9110, 15.5 and 15.6; RFC 6585, 4; RFC 4918, 9.6 to 9.9 and 11. */
export function refusalOf(refusal: Refusal): HttpFailure {
  const { what, status, code } = refusal;
  const said = `status ${status}${code === undefined ? '' : `, ${code}`}`;
  const transient = TRANSIENT.has(status);
  const known = transient ? failing(status) : explain(refusal);
  const error = new SluiceError(known.code, `${what}: ${known.text} (${said})${whither(refusal)}`);
  const busy = status === 429 || status === 503;
  return {
    error,
    transient,
    busy,
    waitMs: transient ? retryAfterMs(refusal.header('retry-after'), Date.now()) : undefined,
  };
}

const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524]);

function failing(status: number): Explained {
  if (status === 429) return { code: 'THROTTLED', text: 'the server refuses further requests for now' };
  if (status === 507) return { code: 'SERVICE_FAILED', text: 'the server has no room left' };
  return { code: 'SERVICE_FAILED', text: 'the server failed, or is overloaded' };
}

interface Explained {
  readonly code: string;
  readonly text: string;
}

function explain(refusal: Refusal): Explained {
  const { status, method, url } = refusal;
  if (status === 407) return { code: 'ACCESS_DENIED', text: `the proxy asks for credentials: ${PROXY}` };
  if (status === 401 || status === 403 || (status === 400 && hasExpired(url))) return denied(refusal);
  if (status === 404 || status === 410) return { code: 'NOT_FOUND', text: 'there is no such file' };
  if (status === 409 && method !== 'GET') {
    return { code: 'NOT_FOUND', text: 'the folder above it does not exist there, or a folder has its name' };
  }
  if (status === 412 && (method === 'PUT' || method === 'MOVE')) {
    return { code: 'PRECONDITION_FAILED', text: 'there is a file of that name already, and `overwrite` is false' };
  }
  if (status === 412) return { code: 'PRECONDITION_FAILED', text: 'the file is not in the state that was asked for' };
  if (refusal.code !== undefined && /^(BadDigest|InvalidDigest|XAmz.*Mismatch)$/.test(refusal.code)) {
    const text =
      'the bytes that came are not those announced: they were changed on the way, or the URL was signed for others';
    return { code: 'TRANSFER_FAILED', text };
  }
  if (status === 413) return { code: 'INVALID_OPTIONS', text: 'the file is larger than the server takes' };
  if (status === 405 || status === 501) {
    return { code: 'INVALID_OPTIONS', text: `the server does not take ${method} requests for it` };
  }
  if (status >= 400 && status < 500) return { code: 'INVALID_OPTIONS', text: 'the server refuses the request' };
  return { code: 'SERVICE_FAILED', text: `the answer to ${method} is none that was expected` };
}

const PROXY = 'write them into HTTP_PROXY or HTTPS_PROXY, or name the host in NO_PROXY';

function denied({ status, url, method, header }: Refusal): Explained {
  const untilMs = signedUntilMs(url);
  const until = untilMs === undefined ? '' : new Date(untilMs).toISOString();
  if (hasExpired(url)) {
    return {
      code: 'ACCESS_DENIED',
      text: `the URL was signed until ${until}, which has passed: have it signed anew, for longer than the task may wait`,
    };
  }
  if (untilMs !== undefined) {
    const text = `the URL is signed until ${until}, but its signature does not admit ${method}: it is for another method or another file, was altered, or its key may not do this`;
    return { code: 'ACCESS_DENIED', text };
  }
  if (status === 403) {
    return { code: 'ACCESS_DENIED', text: `not allowed: these credentials, or none, do not suffice. ${CREDENTIALS}` };
  }
  // The names of the schemes alone: what follows them is text of the server's.
  const schemes = [...(header('www-authenticate') ?? '').matchAll(/(?:^|,)\s*([A-Za-z]+)(?=\s|$|,)/g)].map(
    ([, name]) => name,
  );
  const asks = schemes.length === 0 ? '' : ` (it asks for ${[...new Set(schemes)].join(' or ')})`;
  return { code: 'ACCESS_DENIED', text: `the credentials are missing or wrong${asks}. ${CREDENTIALS}` };
}

const CREDENTIALS = 'Give a token, or user name and password, for this site in SLUICE_HTTP_OPTIONS of the worker';

function hasExpired(url: URL): boolean {
  const untilMs = signedUntilMs(url);
  return untilMs !== undefined && untilMs <= Date.now();
}

function whither({ what, url }: Refusal): string {
  const shown = shownUrl(url.href);
  return what.includes(shown) ? '' : `, from ${shown}, where the server redirects to`;
}

/** The failure of a request that got no whole answer: what undici or the system threw. */
export function brokenOff(error: unknown, what: string): HttpFailure {
  if (error instanceof SluiceError) return { error, transient: false, busy: false };
  const { code, message } = factsOf(error);
  // What a proxy answered instead of making the connection.
  const known = message.startsWith('Proxy response') ? message : SYSTEM[code];
  const isTls =
    /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(code);
  if (isTls) {
    const text = `${what}: the server's certificate is not trusted (${code}): name its authority's file in NODE_EXTRA_CA_CERTS, or check the host's name`;
    return {
      error: new SluiceError('INVALID_OPTIONS', text, { cause: plain(code, message) }),
      transient: false,
      busy: false,
    };
  }
  const denied = /Proxy .*\b(401|403|407)\b|Proxy Authentication Required/.test(message);
  if (denied) {
    const text = `${what}: the proxy refuses the connection: ${PROXY}`;
    return {
      error: new SluiceError('ACCESS_DENIED', text, { cause: plain(code, message) }),
      transient: false,
      busy: false,
    };
  }
  const said = known ?? [code, message].filter((part) => part !== '').join(': ');
  const transient = known !== undefined || TRANSIENT_CODES.test(code);
  return {
    error: new SluiceError('SERVICE_FAILED', `${what}: ${said}`, { cause: plain(code, message) }),
    transient,
    busy: false,
  };
}

const SYSTEM: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name of the host is not known: check its spelling, or this machine has no name server',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  ECONNREFUSED: 'nobody listens there: check host and port, or whether the server runs',
  ECONNRESET: 'the connection was broken off',
  EPIPE: 'the connection was broken off',
  UND_ERR_SOCKET: 'the connection was broken off',
  UND_ERR_ABORTED: 'the connection was broken off',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the connection ended before the file did',
  UND_ERR_CONNECT_TIMEOUT: 'the server cannot be connected to in time',
  UND_ERR_HEADERS_TIMEOUT: 'the server does not answer',
  UND_ERR_BODY_TIMEOUT: 'the server went silent in the midst of the file',
  ETIMEDOUT: 'the server cannot be connected to in time',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network of the host',
};

const TRANSIENT_CODES = /^(HPE_|UND_ERR_(INFO|SOCKET)|E(CONN|PIPE|TIMEDOUT))/;

function factsOf(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  // One that tried several addresses has the reason below it.
  const [inner] = error instanceof AggregateError ? error.errors : [];
  if (inner instanceof Error) return factsOf(inner);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { code, message: error.message };
}

// undici's errors hold sockets, and Node's of URLs the whole URL.
function plain(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: 'Error', ...(code !== '' && { code }) });
}
