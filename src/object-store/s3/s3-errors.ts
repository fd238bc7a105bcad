import type { PlaceAnswer } from '../../adaptive-limit.js';
import { SluiceError } from '../../errors.js';
import { retryAfterMs } from '../../http/retry-after.js';
import { isBrokenConnection } from '../connection-errors.js';
import { S3Failure } from './s3-failure.js';

/** What a request was about, for the message of its error. */
export interface S3Subject {
  readonly action: string;
  readonly bucket: string;
  readonly key?: string | undefined;
  readonly access?: S3Access;
}

/** How requests are made: signed, signed by who agrees to pay, or not signed at all. */
export type S3Access = 'signed' | 'paying' | 'anonymous';

/** `s3://bucket/key`, as messages name it: on one line, whatever the key. */
export function nameOf({ bucket, key }: S3Subject): string {
  return key === undefined ? `s3://${bucket}` : `s3://${bucket}/${visible(key)}`;
}

/** Whether S3, or the way to it, may answer otherwise next time: 5xx, throttling, conflicts, broken connections. */
export function isTransient(error: unknown): boolean {
  return !(error instanceof SluiceError) && isTransientFacts(factsOf(error));
}

/** What a failure says of the load. */
export function loadToldBy(error: unknown): PlaceAnswer {
  if (error instanceof SluiceError) return 'failed';
  const { name, status, systemCode } = factsOf(error);
  if (status === 503 || status === 429 || THROTTLING.includes(name)) return 'throttled';
  return isBrokenConnection(systemCode) || TIMED_OUT.includes(name) ? 'broken' : 'failed';
}

/** The wait that an answer asks for, in milliseconds; `undefined` where it asks for none. */
export function askedWaitMs(error: unknown): number | undefined {
  return retryAfterMs(factsOf(error).retryAfter, Date.now());
}

/**
 * The region that an answer sends its request to, if it does. Sources: "Redirecting and REST API", S3 User Guide; HeadBucket,
 * Amazon S3 API Reference, whose answers have no body.
 */
export function regionToldBy(error: unknown): string | undefined {
  const { status, region } = factsOf(error);
  return region !== '' && [301, 307, 400].includes(status) ? region : undefined;
}

/** The SluiceError of whatever ended a request. Keeps name, message and request id of the cause, and no signed text. */
export function toSluiceError(error: unknown, subject: S3Subject): SluiceError {
  if (error instanceof SluiceError) return error;
  const facts = factsOf(error);
  const { code, text } = explain(facts, subject);
  const request = facts.requestId === '' ? '' : ` (request ${facts.requestId})`;
  return new SluiceError(code, `${subject.action} ${nameOf(subject)}: ${text}${request}`, { cause: plainCause(facts) });
}

// Our bytes were not what their checksum, hash or length had announced.
const CHANGED_ON_THE_WAY: readonly string[] = [
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
];

const THROTTLING: readonly string[] = [
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
];

// The first is a 400: the service waited for our bytes.
const TIMED_OUT: readonly string[] = ['RequestTimeout', 'TimeoutError'];

// Source: "Error responses", Amazon S3 API Reference.
const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
  'InternalError',
  'ServiceUnavailable',
  ...THROTTLING,
  ...TIMED_OUT,
  'ConditionalRequestConflict',
  'OperationAborted',
  ...CHANGED_ON_THE_WAY,
]);

const KEY_ADVICE: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    'no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give `credentials`',
  InvalidAccessKeyId: 'the access key does not exist: check AWS_ACCESS_KEY_ID, AWS_PROFILE, or `credentials`',
  SignatureDoesNotMatch: 'the secret key does not fit the access key: check AWS_SECRET_ACCESS_KEY or `credentials`',
  ExpiredToken: 'the session token has expired: log in again',
  InvalidToken: 'the session token is not valid: log in again',
  RequestTimeTooSkewed: "this machine's clock differs too much from the service's: set it right",
};

interface Facts {
  readonly name: string;
  readonly message: string;
  readonly status: number;
  readonly systemCode: string;
  readonly requestId: string;
  readonly region: string;
  readonly retryAfter: string;
}

function factsOf(error: unknown): Facts {
  if (error instanceof S3Failure) {
    const { code, requestId = '', region = '', retryAfter = '', ...said } = error.facts;
    return { ...said, name: code, systemCode: '', requestId, region, retryAfter };
  }
  // Of the SDK, which is asked for keys, and of the way there.
  const { name, message, code } = isRecord(error) ? error : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return { ...NOTHING_SAID, name: text(name), message: text(message), systemCode: text(code) };
}

const NOTHING_SAID: Facts = {
  name: '',
  message: '',
  status: 0,
  systemCode: '',
  requestId: '',
  region: '',
  retryAfter: '',
};

function explain(facts: Facts, subject: S3Subject): { code: string; text: string } {
  const { name, status } = facts;
  const advice = Object.hasOwn(KEY_ADVICE, name) ? KEY_ADVICE[name] : undefined;
  if (advice !== undefined) return { code: 'ACCESS_DENIED', text: advice };
  if (name === 'ConditionalRequestConflict' || status === 412) {
    return { code: 'PRECONDITION_FAILED', text: 'the object is not in the state the request named' };
  }
  if (CHANGED_ON_THE_WAY.includes(name)) {
    return { code: 'TRANSFER_FAILED', text: `the bytes were changed on the way, again and again: ${said(facts)}` };
  }
  if (isTransientFacts(facts)) return { code: 'SERVICE_FAILED', text: `still failing after retries: ${said(facts)}` };
  if (name === 'NoSuchUpload') return { code: 'TRANSFER_FAILED', text: 'the upload was ended by somebody else' };
  if (status === 404) return { code: 'NOT_FOUND', text: missing(name, subject) };
  if (status === 401 || status === 403) {
    return { code: 'ACCESS_DENIED', text: `not allowed: ${said(facts)}. ${PERMISSION[subject.access ?? 'signed']}` };
  }
  if (status === 301 || status === 307 || name === 'AuthorizationHeaderMalformed') {
    const region = facts.region === '' ? 'its own region' : `region '${facts.region}'`;
    return {
      code: 'INVALID_OPTIONS',
      text: `the bucket is in another region: set AWS_REGION or \`region\` to ${region}`,
    };
  }
  if (status === 416) return { code: 'INVALID_OPTIONS', text: 'the range starts behind the end of the object' };
  if (status >= 400) return { code: 'INVALID_OPTIONS', text: `the service refused the request: ${said(facts)}` };
  return { code: 'SERVICE_FAILED', text: said(facts) };
}

const PERMISSION: Readonly<Record<S3Access, string>> = {
  signed:
    'Give these credentials the permission for it (a missing object is answered so too when s3:ListBucket is not allowed, and so is who does not agree to pay where the requester does: s3Staging({ requesterPays: true }))',
  paying:
    'Give these credentials the permission for it (a missing object is answered so too when s3:ListBucket is not allowed)',
  anonymous:
    'Requests are not signed (`anonymous`): the bucket is not open to everybody, or not for this, or the requester pays (a missing object is answered so too where its list is not open)',
};

function isTransientFacts({ name, status, systemCode }: Facts): boolean {
  return TRANSIENT_NAMES.has(name) || isBrokenConnection(systemCode) || status >= 500 || status === 429;
}

function missing(name: string, { bucket, key }: S3Subject): string {
  if (name === 'NoSuchBucket' || key === undefined) {
    return `bucket '${bucket}' does not exist: create it (aws s3 mb s3://${bucket}) or check its name and the endpoint`;
  }
  return `bucket '${bucket}' has no object '${visible(key)}': check the key, or whether the task that writes it has ended`;
}

function visible(key: string): string {
  return key.replace(/[\p{Cc}\u2028\u2029]/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function said({ name, message, systemCode, status }: Facts): string {
  const title = [name, systemCode].filter((part) => part !== '' && part !== 'Error' && part !== 'Unknown').join(' ');
  const text = message === '' ? `HTTP status ${status}` : message;
  return title === '' ? text : `${title}: ${text}`;
}

// An error of the SDK may carry its request, signature included.
function plainCause({ name, message }: Facts): Error {
  const cause = new Error(message);
  cause.name = name === '' ? 'Error' : name;
  return cause;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
