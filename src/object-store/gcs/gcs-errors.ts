import type { PlaceAnswer } from '../../adaptive-limit.js';
import { messageOf, SluiceError } from '../../errors.js';
import type { Answer } from '../../http/answer.js';
import type { AnswerBody } from '../../http/answer-body.js';
import { retryAfterMs } from '../../http/retry-after.js';
import { isBrokenConnection } from '../connection-errors.js';
import { GcsCredentialsError } from './gcs-client.js';

/** What a request was about, for the message of its error. */
export interface GcsSubject {
  readonly action: string;
  readonly bucket: string;
  readonly key?: string | undefined;
}

/** An answer that is an error, with what of it may be told. */
export class GcsHttpError extends Error {
  override readonly name: string = 'GcsHttpError';
  readonly status: number;
  /** The API's word for it; '' where the answer has none. */
  readonly reason: string;
  readonly requestId: string;
  /** Value of Retry-After. */
  readonly retryAfter: string | undefined;

  constructor(fields: {
    readonly status: number;
    readonly reason: string;
    readonly message: string;
    readonly requestId: string;
    readonly retryAfter: string | undefined;
  }) {
    super(fields.message);
    this.status = fields.status;
    this.reason = fields.reason;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
  }
}

/** `gs://bucket/key`, as messages name it: on one line, whatever the key. */
export function nameOf({ bucket, key }: GcsSubject): string {
  return key === undefined ? `gs://${bucket}` : `gs://${bucket}/${visible(key)}`;
}

/** Reads the answer's body as the error it is. Source: "HTTP status and error codes for JSON", Cloud Storage. */
export async function httpErrorOf(answer: Answer): Promise<GcsHttpError> {
  const { status } = answer;
  const known = {
    status,
    requestId: answer.headers['x-guploader-uploadid'] ?? '',
    retryAfter: answer.headers['retry-after'],
  };
  const text = await textOf(answer.body).catch(() => '');
  try {
    const { error } = JSON.parse(text) as { error: { message: string; errors?: readonly { reason?: string }[] } };
    return new GcsHttpError({ ...known, reason: error.errors?.[0]?.reason ?? '', message: error.message });
  } catch {
    // The XML API's, or what a proxy says.
    const [, code = ''] = /<Code>([^<]*)<\/Code>/.exec(text) ?? [];
    const [, message = text] = /<Message>([^<]*)<\/Message>/.exec(text) ?? [];
    return new GcsHttpError({ ...known, reason: code, message: message.slice(0, MOST_TEXT).trim() });
  }
}

const MOST_TEXT = 500;
const MOST_DOCUMENT = 64 * 1024;

async function textOf(body: AnswerBody): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_DOCUMENT) break;
  }
  return Buffer.concat(chunks).toString();
}

/** Whether Cloud Storage, or the way to it, may answer otherwise next time: 5xx, throttling, broken connections. */
export function isTransient(error: unknown): boolean {
  if (error instanceof GcsHttpError) return isTransientAnswer(error) || isChangedOnTheWay(error);
  if (error instanceof GcsCredentialsError) return isBrokenConnection(codeOf(error.cause));
  return !(error instanceof SluiceError) && isBrokenConnection(codeOf(error));
}

/** What a failure says of the load. */
export function loadToldBy(error: unknown): PlaceAnswer {
  if (error instanceof GcsHttpError) {
    const isRefusal = error.status === 429 || error.status === 503 || /rateLimitExceeded$/i.test(error.reason);
    return isRefusal ? 'throttled' : error.status === 408 ? 'broken' : 'failed';
  }
  return isBrokenConnection(codeOf(error)) ? 'broken' : 'failed';
}

/** The wait that an answer asks for, in milliseconds; `undefined` where it asks for none. */
export function askedWaitMs(error: unknown): number | undefined {
  return error instanceof GcsHttpError ? retryAfterMs(error.retryAfter, Date.now()) : undefined;
}

/** The SluiceError of whatever went wrong. */
export function toSluiceError(error: unknown, subject: GcsSubject): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code, text } = explain(error, subject);
  const request = error instanceof GcsHttpError && error.requestId !== '' ? ` (request ${error.requestId})` : '';
  return new SluiceError(code, `${subject.action} ${nameOf(subject)}: ${text}${request}`, { cause: plainCause(error) });
}

// Source: "Retry strategy", Cloud Storage.
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const TRANSIENT_REASONS: ReadonlySet<string> = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'backendError']);

function isTransientAnswer({ status, reason }: GcsHttpError): boolean {
  return TRANSIENT_STATUSES.has(status) || TRANSIENT_REASONS.has(reason);
}

// The service has no word of its own for it: the reason is that of any bad parameter.
function isChangedOnTheWay({ status, message }: GcsHttpError): boolean {
  return (
    status === 400 &&
    /doesn't match calculated|(?:crc32c|md5|hash|checksum)\b.*(?:mismatch|does not match)/i.test(message)
  );
}

interface Explanation {
  readonly code: string;
  readonly text: string;
}

function explain(error: unknown, subject: GcsSubject): Explanation {
  if (error instanceof GcsHttpError) return explainAnswer(error, subject);
  if (isTransient(error)) return { code: 'SERVICE_FAILED', text: `still failing after retries: ${said(error)}` };
  if (error instanceof GcsCredentialsError)
    return { code: 'ACCESS_DENIED', text: `${LOG_IN} (${firstLine(error.message)})` };
  return { code: 'SERVICE_FAILED', text: said(error) };
}

function explainAnswer(error: GcsHttpError, subject: GcsSubject): Explanation {
  const { status } = error;
  if (status === 412) return { code: 'PRECONDITION_FAILED', text: 'the object is not in the state the request named' };
  if (isChangedOnTheWay(error)) {
    return { code: 'TRANSFER_FAILED', text: `the bytes were changed on the way, again and again: ${said(error)}` };
  }
  if (isTransientAnswer(error)) return { code: 'SERVICE_FAILED', text: `still failing after retries: ${said(error)}` };
  if (status === 401) return { code: 'ACCESS_DENIED', text: `not let in: ${said(error)}. ${LOG_IN}` };
  if (status === 403) return { code: 'ACCESS_DENIED', text: `not allowed: ${said(error)}. ${PERMISSION}` };
  if (status === 404) return { code: 'NOT_FOUND', text: missing(error, subject) };
  if (status === 410) return { code: 'TRANSFER_FAILED', text: 'the upload was ended by somebody else' };
  if (status === 416) return { code: 'INVALID_OPTIONS', text: 'the range starts behind the end of the object' };
  if (/user project/i.test(error.message)) {
    return { code: 'INVALID_OPTIONS', text: `the bucket's requester pays: set \`userProject\` (${said(error)})` };
  }
  if (status >= 400 && status < 500) {
    return { code: 'INVALID_OPTIONS', text: `the service refused the request: ${said(error)}` };
  }
  return { code: 'SERVICE_FAILED', text: said(error) };
}

const LOG_IN =
  'no usable credentials: set GOOGLE_APPLICATION_CREDENTIALS, run `gcloud auth application-default login`, give `keyFile` or `credentials`, or `authentication: none` for what is public';
const PERMISSION =
  'Give these credentials the role for it (roles/storage.objectUser; a missing object is answered so too without storage.objects.list)';

function missing({ message }: GcsHttpError, { bucket, key }: GcsSubject): string {
  if (key === undefined || /bucket does not exist/i.test(message)) {
    return `bucket '${bucket}' does not exist: create it (gcloud storage buckets create gs://${bucket}) or check its name and the endpoint`;
  }
  return `bucket '${bucket}' has no object '${visible(key)}': check the key, or whether the task that writes it has ended`;
}

function said(error: unknown): string {
  const title = error instanceof GcsHttpError ? error.reason || `HTTP status ${error.status}` : codeOf(error);
  const text = error instanceof GcsHttpError ? error.message : withoutUrls(messageOf(error));
  return [title, text].filter((part) => part !== '').join(': ');
}

// The URL of an upload lets in whoever knows it, and those of signed requests do.
function withoutUrls(text: string): string {
  return text.replace(/https?:\/\/\S+/g, '…');
}

function firstLine(text: string): string {
  return withoutUrls(text.split('\n', 1)[0] ?? '');
}

/** The SDK's own errors carry the request, with its token. */
function plainCause(error: unknown): Error {
  const cause = new Error(error instanceof GcsHttpError ? error.message : withoutUrls(messageOf(error)));
  cause.name =
    error instanceof GcsHttpError ? error.reason || error.name : error instanceof Error ? error.name : 'Error';
  return cause;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function visible(key: string): string {
  return key.replace(/[\p{Cc}\u2028\u2029]/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
