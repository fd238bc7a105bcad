/** Name of an error of the Lambda API. */
export type LambdaErrorName =
  | 'IncompleteSignatureException'
  | 'InvalidParameterValueException'
  | 'InvalidRequestContentException'
  | 'InvalidSignatureException'
  | 'MissingAuthenticationTokenException'
  | 'PreconditionFailedException'
  | 'RequestEntityTooLargeException'
  | 'RequestTooLargeException'
  | 'ResourceConflictException'
  | 'ResourceNotFoundException'
  | 'ServiceException'
  | 'TooManyRequestsException'
  | 'UnknownOperationException'
  | 'UnrecognizedClientException';

/** Status of each error (AWS Lambda API Reference, errors of the actions and common errors). */
const STATUS: Readonly<Record<LambdaErrorName, number>> = {
  IncompleteSignatureException: 400,
  InvalidParameterValueException: 400,
  InvalidRequestContentException: 400,
  InvalidSignatureException: 403,
  MissingAuthenticationTokenException: 403,
  PreconditionFailedException: 412,
  RequestEntityTooLargeException: 413,
  RequestTooLargeException: 413,
  ResourceConflictException: 409,
  ResourceNotFoundException: 404,
  ServiceException: 500,
  TooManyRequestsException: 429,
  UnknownOperationException: 404,
  UnrecognizedClientException: 403,
};

/** Why an invocation was refused with 429. */
export type ThrottleReason = 'ReservedFunctionConcurrentInvocationLimitExceeded' | 'ConcurrentInvocationLimitExceeded';

/** An answer of the Lambda API that is an error. Inside local-cloud only: clients see {@link errorAnswer}. */
export class LambdaError extends Error {
  override readonly name: LambdaErrorName;
  readonly reason: ThrottleReason | undefined;

  constructor(name: LambdaErrorName, message: string, options: { reason?: ThrottleReason; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = name;
    this.reason = options.reason;
  }
}

/** An invocation was refused because too many run already. */
export function throttled(reason: ThrottleReason): LambdaError {
  return new LambdaError('TooManyRequestsException', 'Rate Exceeded.', { reason });
}

/** What goes over the wire for an error: REST-JSON, the error's name in a header. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
}

/** The wire form of any error; what is no {@link LambdaError} is a fault of local-cloud itself. */
export function errorAnswer(thrown: unknown): ErrorAnswer {
  const error = thrown instanceof LambdaError ? thrown : new LambdaError('ServiceException', String(thrown));
  const status = STATUS[error.name];
  return {
    status,
    headers: {
      'x-amzn-errortype': error.name,
      ...(error.name === 'TooManyRequestsException' ? { 'retry-after': '1' } : {}),
    },
    body: {
      ...(error.reason === undefined ? {} : { Reason: error.reason }),
      Type: status < 500 ? 'User' : 'Service',
      // The API's model spells this member with a capital in these two errors only.
      [CAPITAL_MESSAGE.has(error.name) ? 'Message' : 'message']: error.message,
    },
  };
}

const CAPITAL_MESSAGE: ReadonlySet<LambdaErrorName> = new Set(['ResourceNotFoundException', 'ServiceException']);
