/** Why a request's signature is not accepted, as S3 words it. */
export interface Refusal {
  readonly kind: 'refused';
  readonly code: RefusalCode;
  readonly message: string;
  /** HTTP status S3 answers with. */
  readonly status: number;
  /** Further elements of S3's error document, by name. */
  readonly details: Readonly<Record<string, string>>;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const STATUSES = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidRequest: 400,
  InvalidURI: 400,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const;

export type RefusalCode = keyof typeof STATUSES;

/** A {@link Refusal} with the status that belongs to the code. */
export function refuse(code: RefusalCode, message: string, details: Readonly<Record<string, string>> = {}): Refusal {
  return { kind: 'refused', code, message, status: STATUSES[code], details };
}
