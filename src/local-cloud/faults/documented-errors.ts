import type { ServiceName } from '../service-of.js';
import type { ErrorFault } from './fault.js';

/**
 * Errors that say nothing about the request itself, and their status.
 *
 * Sources: "Error responses", Amazon S3 API Reference; errors of Invoke and "Common Errors", AWS Lambda API Reference;
 * "HTTP status and error codes for JSON", Cloud Storage.
 */
const STATUSES: Readonly<Record<ServiceName, Readonly<Record<string, number>>>> = {
  s3: {
    InternalError: 500,
    ServiceUnavailable: 503,
    SlowDown: 503,
    RequestTimeout: 400,
    OperationAborted: 409,
    ConditionalRequestConflict: 409,
    ExpiredToken: 400,
    AccessDenied: 403,
    NoSuchUpload: 404,
  },
  lambda: {
    ServiceException: 500,
    TooManyRequestsException: 429,
    ThrottlingException: 400,
    ServiceUnavailable: 503,
    EC2ThrottledException: 502,
    EC2UnexpectedException: 502,
    ENILimitReachedException: 502,
    ResourceConflictException: 409,
    ResourceNotReadyException: 502,
    AccessDeniedException: 403,
    ExpiredTokenException: 403,
  },
  gcs: {
    internalError: 500,
    backendError: 503,
    badGateway: 502,
    gatewayTimeout: 504,
    requestTimeout: 408,
    rateLimitExceeded: 429,
    authError: 401,
    forbidden: 403,
    notFound: 404,
    gone: 410,
  },
};

// The error a service answers with when it fails by itself.
const OWN_FAILURE: Readonly<Record<ServiceName, string>> = {
  s3: 'InternalError',
  lambda: 'ServiceException',
  gcs: 'internalError',
};

/** The status a service documents for an error. */
export function documentedStatus(service: ServiceName, code: string): number | undefined {
  const statuses = STATUSES[service];
  return Object.hasOwn(statuses, code) ? statuses[code] : undefined;
}

/** `Reason` of a TooManyRequestsException (ThrottleReason, AWS Lambda API Reference). */
export const THROTTLE_REASONS = [
  'ConcurrentInvocationLimitExceeded',
  'FunctionInvocationRateLimitExceeded',
  'ReservedFunctionConcurrentInvocationLimitExceeded',
  'ReservedFunctionInvocationRateLimitExceeded',
  'CallerRateLimitExceeded',
  'ConcurrentSnapshotCreateLimitExceeded',
] as const;

/** An error as it is to be answered. */
export interface InjectedError {
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

/** The error of a fault, with all it left out filled in. */
export function injectedError(fault: ErrorFault, service: ServiceName): InjectedError {
  const code = fault.code ?? OWN_FAILURE[service];
  const status = fault.status ?? documentedStatus(service, code) ?? 500;
  const reason =
    fault.reason ?? (code === 'TooManyRequestsException' ? 'ConcurrentInvocationLimitExceeded' : undefined);
  const retryAfterSeconds = fault.retryAfterSeconds ?? (status === 429 ? 1 : undefined);
  return {
    code,
    status,
    message: fault.message ?? (status === 429 ? 'Rate Exceeded.' : 'A fault of the script.'),
    ...(reason !== undefined && { reason }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}
