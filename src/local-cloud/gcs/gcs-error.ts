import { SluiceError } from '../../errors.js';

/** Reasons this server answers with, and their status. @see https://cloud.google.com/storage/docs/json_api/v1/status-codes */
const STATUSES = {
  authError: 401,
  backendError: 503,
  badRequest: 400,
  conditionNotMet: 412,
  conflict: 409,
  forbidden: 403,
  gone: 410,
  internalError: 500,
  invalid: 400,
  invalidParameter: 400,
  lengthRequired: 411,
  methodNotAllowed: 405,
  notFound: 404,
  notImplemented: 501,
  notModified: 304,
  parseError: 400,
  requestedRangeNotSatisfiable: 416,
  required: 400,
  uploadTooLarge: 413,
} as const;

export type GcsReason = keyof typeof STATUSES;

/** What the XML API calls the same. @see https://cloud.google.com/storage/docs/xml-api/reference-status */
const XML_CODES: Partial<Record<GcsReason, string>> = {
  authError: 'AuthenticationRequired',
  backendError: 'ServiceUnavailable',
  conditionNotMet: 'PreconditionFailed',
  conflict: 'BucketNotEmpty',
  forbidden: 'AccessDenied',
  internalError: 'InternalError',
  lengthRequired: 'MissingContentLength',
  methodNotAllowed: 'MethodNotAllowed',
  notFound: 'NoSuchKey',
  notImplemented: 'NotImplemented',
  requestedRangeNotSatisfiable: 'InvalidRange',
};

export interface GcsErrorDetails {
  /** What of the request is at fault, as the error names it: a parameter, or a header. */
  readonly location?: { readonly type: 'parameter' | 'header'; readonly name: string };
  /** Code in the XML API, where it is not that of the reason. */
  readonly xmlCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
}

/** An answer that Cloud Storage gives instead of a result. */
export class GcsError extends SluiceError {
  override readonly name: string = 'GcsError';
  readonly reason: string;
  /** HTTP status of the answer. */
  readonly status: number;
  readonly xmlCode: string;
  readonly location: GcsErrorDetails['location'];
  readonly headers: Readonly<Record<string, string>>;

  constructor(reason: GcsReason, message: string, details: GcsErrorDetails = {}) {
    super(reason, message);
    this.reason = reason;
    this.status = details.status ?? STATUSES[reason];
    this.xmlCode = details.xmlCode ?? XML_CODES[reason] ?? 'InvalidArgument';
    this.location = details.location;
    this.headers = details.headers ?? {};
  }
}

/** An error of any reason, as a script of faults asks for it. */
export function scriptedError(fault: {
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}): GcsError {
  const headers = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
  return new GcsError(fault.code as GcsReason, fault.message, { status: fault.status, xmlCode: fault.code, headers });
}

/** The request is understood, and this stand-in does not have what it asks for: never a silent success. */
export function notImplemented(what: string): GcsError {
  return new GcsError('notImplemented', `local-cloud does not have this part of Cloud Storage: ${what}`);
}

export function invalidParameter(name: string, message: string): GcsError {
  return new GcsError('invalidParameter', message, { location: { type: 'parameter', name } });
}

export function noSuchBucket(): GcsError {
  return new GcsError('notFound', 'The specified bucket does not exist.', { xmlCode: 'NoSuchBucket' });
}

export function noSuchObject(bucket: string, name: string): GcsError {
  return new GcsError('notFound', `No such object: ${bucket}/${name}`);
}

export function conditionNotMet(): GcsError {
  return new GcsError('conditionNotMet', 'At least one of the pre-conditions you specified did not hold.', {
    location: { type: 'header', name: 'If-Match' },
  });
}
