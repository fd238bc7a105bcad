import { messageOf, SluiceError } from '../../errors.js';

/** What the SDK throws, as far as decisions need it. */
interface ServiceFailure {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly retryAfterSeconds?: string;
}

/** Whether the service refused for load, and when to come back; `undefined` for any other failure. */
export function throttleDelayMs(error: unknown): number | undefined {
  const { name, $metadata, retryAfterSeconds } = error as ServiceFailure;
  if (name !== 'TooManyRequestsException' && name !== 'ThrottlingException' && $metadata?.httpStatusCode !== 429)
    return undefined;
  return retryAfterSeconds === undefined ? 0 : Number(retryAfterSeconds) * 1000;
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
  const { name = '', $metadata } = error as ServiceFailure;
  const status = $metadata?.httpStatusCode;
  const said = `${name === '' ? '' : `${name}: `}${messageOf(error)}`;
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
  if (status !== undefined && status >= 400 && status < 500) {
    return new SluiceError('INVALID_OPTIONS', `${place.doing} ${fn} was refused (${said})`, { cause: error });
  }
  return new SluiceError('SERVICE_FAILED', `${place.doing} ${fn} failed (${said})`, { cause: error });
}
