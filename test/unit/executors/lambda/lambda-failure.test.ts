import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../../../src/errors.js';
import { isThrottle, lambdaFailure } from '../../../../src/executors/lambda/lambda-failure.js';

const place = { functionName: 'worker', doing: 'deploying' };

function thrown(name: string, status: number | undefined, message = 'said so'): Error {
  const error = Object.assign(new Error(message), { $metadata: { httpStatusCode: status } });
  error.name = name;
  return error;
}

describe('lambdaFailure', () => {
  test('a refusal for load is THROTTLED, class infrastructure, also where nobody waits it out', () => {
    const error = thrown('TooManyRequestsException', 429);
    expect(isThrottle(error)).toBe(true);
    expect(lambdaFailure(error, place)).toMatchObject({
      code: 'THROTTLED',
      class: 'infrastructure',
      message:
        "deploying Lambda function 'worker' was refused for load (TooManyRequestsException: said so): try again later",
    });
  });

  test('a function that is being changed is no fault of the options', () => {
    expect(lambdaFailure(thrown('ResourceConflictException', 409), place)).toMatchObject({
      code: 'SERVICE_FAILED',
      class: 'infrastructure',
    });
  });

  test('a host that refuses at every address says so, though the error has no message', () => {
    const error = Object.assign(new AggregateError([new Error('::1'), new Error('127.0.0.1')]), {
      code: 'ECONNREFUSED',
    });
    expect(lambdaFailure(error, place).message).toBe(
      "deploying Lambda function 'worker' failed (AggregateError: ECONNREFUSED)",
    );
  });

  test.each([
    ['keys that are missing', thrown('CredentialsProviderError', undefined), 'ACCESS_DENIED'],
    ['a wrong secret', thrown('InvalidSignatureException', 403), 'ACCESS_DENIED'],
    ['a region that is missing', new Error('Region is missing'), 'INVALID_OPTIONS'],
    ['a value that the service refuses', thrown('InvalidParameterValueException', 400), 'INVALID_OPTIONS'],
    ['an error of the service', thrown('ServiceException', 500), 'SERVICE_FAILED'],
    ['something that is no Error', 'bad', 'SERVICE_FAILED'],
  ])('%s has its code, and the SDK’s error as cause', (_, error, code) => {
    const failure = lambdaFailure(error, place);
    expect(failure.code).toBe(code);
    expect(failure.cause).toBe(error);
  });

  test('a SluiceError passes as it is', () => {
    const error = new SluiceError('INVALID_OPTIONS', 'no role');
    expect(lambdaFailure(error, place)).toBe(error);
  });
});
