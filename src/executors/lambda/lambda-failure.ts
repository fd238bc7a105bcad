import { messageOf, SluiceError } from '../../errors.js';
import { retryAfterMs as askedWaitMs } from '../../http/retry-after.js';

/** What the SDK throws, as far as decisions need it. */
interface ServiceFailure {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Whether the service refused for load. */
export function isThrottle(error: unknown): boolean {
  const { name, $metadata } = error as ServiceFailure;
  return name === 'TooManyRequestsException' || name === 'ThrottlingException' || $metadata?.httpStatusCode === 429;
}

/** How long a refusal asks to stay away, in milliseconds: 0 when it does not say. */
export function retryAfterMs(error: unknown): number {
  const { retryAfterSeconds } = error as { readonly retryAfterSeconds?: string };
  return askedWaitMs(retryAfterSeconds, Date.now()) ?? 0;
}

const NO_ACCESS = new Set([
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

/** The SluiceError of a request to Lambda that failed. */
export function lambdaFailure(error: unknown, place: { functionName: string; doing: string }): SluiceError {
  if (error instanceof SluiceError) return error;
  const { name = '', code = '', $metadata } = error as ServiceFailure;
  const status = $metadata?.httpStatusCode;
  // A connection refused at every address of a host has a code and no message.
  const said = `${name === '' ? '' : `${name}: `}${messageOf(error) || code}`;
  const fn = `Lambda function '${place.functionName}'`;
  if (name === 'ResourceNotFoundException') {
    return new SluiceError(
      'FUNCTION_NOT_DEPLOYED',
      `${fn} does not exist here: run sluice deploy lambda --function ${place.functionName} (${messageOf(error)})`,
      { cause: error },
    );
  }
  if (NO_ACCESS.has(name) || status === 403) {
    return new SluiceError(
      'ACCESS_DENIED',
      `${place.doing} ${fn} was refused (${said}): check the AWS keys, the region, and that they allow it`,
      { cause: error },
    );
  }
  if (/region is missing/i.test(messageOf(error))) {
    return new SluiceError(
      'INVALID_OPTIONS',
      `${place.doing} ${fn}: no region is set: set AWS_REGION or the option region`,
      { cause: error },
    );
  }
  if (name === 'RequestTooLargeException' || status === 413) {
    return new SluiceError(
      'NOT_SENDABLE',
      `${place.doing} ${fn}: the task is larger than Lambda's 6 MB: give LambdaExecutor a bucket (${said})`,
      { cause: error },
    );
  }
  if (isThrottle(error)) {
    return new SluiceError('THROTTLED', `${place.doing} ${fn} was refused for load (${said}): try again later`, {
      cause: error,
    });
  }
  // The function is being created or changed: it will not be for long.
  const passing = name === 'ResourceConflictException';
  if (!passing && status !== undefined && status >= 400 && status < 500) {
    return new SluiceError('INVALID_OPTIONS', `${place.doing} ${fn} was refused (${said})`, { cause: error });
  }
  return new SluiceError('SERVICE_FAILED', `${place.doing} ${fn} failed (${said})`, { cause: error });
}
