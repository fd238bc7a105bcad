import { SluiceError } from '../../errors.js';

/** Codes this server answers with, and their status. @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const STATUSES = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  ConditionalRequestConflict: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IllegalLocationConstraintException: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidLocationConstraint: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedPolicy: 400,
  MalformedTrailerError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  NotModified: 304,
  PermanentRedirect: 301,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const;

type S3ErrorCode = keyof typeof STATUSES;

/** An answer S3 gives instead of a result: its code, status, message and the further elements of its document. */
export class S3Error extends SluiceError {
  override readonly name: string = 'S3Error';
  /** HTTP status of the answer. */
  readonly status: number;
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: S3ErrorCode,
    message: string,
    options: {
      details?: Readonly<Record<string, string>>;
      headers?: Readonly<Record<string, string>>;
      status?: number;
    } = {},
  ) {
    super(code, message);
    this.status = options.status ?? STATUSES[code];
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }
}

/** An error of any code, as a script of faults asks for it. */
export function scriptedError(fault: {
  readonly code: string;
  readonly status: number;
  readonly message: string;
}): S3Error {
  return new S3Error(fault.code as S3ErrorCode, fault.message, { status: fault.status });
}

/** The request is understood, and this stand-in does not have what it asks for: never a silent success. */
export function notImplemented(what: string): S3Error {
  return new S3Error(
    'NotImplemented',
    `A header or parameter you provided implies functionality that is not implemented: ${what}`,
  );
}
