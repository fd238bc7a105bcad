import { type LambdaClient, PutFunctionConcurrencyCommand, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { describe, expect, test } from 'vitest';
import { cloudForTest, deploy, invoke } from './lambda-fixture.js';

const SLEEPER =
  'export const handler = async ({ ms }) => { await new Promise((r) => setTimeout(r, ms)); return process.pid; };';

/** Reasons of the refusals among `count` invocations at the same time. */
async function refusals(lambda: LambdaClient, name: string, count: number): Promise<(string | undefined)[]> {
  const all = await Promise.allSettled(Array.from({ length: count }, () => invoke(lambda, name, { ms: 1000 })));
  return all
    .filter((result) => result.status === 'rejected')
    .map(({ reason }) => {
      expect(reason).toBeInstanceOf(TooManyRequestsException);
      expect(reason).toMatchObject({
        $metadata: { httpStatusCode: 429 },
        retryAfterSeconds: '1',
        message: 'Rate Exceeded.',
      });
      return (reason as TooManyRequestsException).Reason;
    });
}

describe('Concurrency', () => {
  test('invocations above a function’s reservation are refused, and pass when it is free again', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: SLEEPER });
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'f', ReservedConcurrentExecutions: 1 }));
    const reason = 'ReservedFunctionConcurrentInvocationLimitExceeded';
    expect(await refusals(lambda, 'f', 4)).toEqual([reason, reason, reason]);
    for (const _ of [1, 2, 3]) expect((await invoke(lambda, 'f', { ms: 0 })).functionError).toBeUndefined();
  });

  test('a reservation of 0 stops a function', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: SLEEPER });
    await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'f', ReservedConcurrentExecutions: 0 }));
    expect(await refusals(lambda, 'f', 1)).toEqual(['ReservedFunctionConcurrentInvocationLimitExceeded']);
  });

  test('invocations above the account’s limit are refused', async () => {
    const { lambda } = await cloudForTest({ concurrency: 2 });
    await deploy(lambda, { source: SLEEPER });
    expect(await refusals(lambda, 'f', 3)).toEqual(['ConcurrentInvocationLimitExceeded']);
  });

  test('invocations above the number of processes are refused, idle environments of others make room', async () => {
    const { lambda } = await cloudForTest({ maxEnvironments: 1 });
    await deploy(lambda, { name: 'a', source: SLEEPER });
    await deploy(lambda, { name: 'b', source: SLEEPER });
    expect(await refusals(lambda, 'a', 2)).toEqual(['ConcurrentInvocationLimitExceeded']);
    const first = (await invoke(lambda, 'a', { ms: 0 })).value;
    expect((await invoke(lambda, 'b', { ms: 0 })).functionError).toBeUndefined();
    expect((await invoke(lambda, 'a', { ms: 0 })).value).not.toBe(first);
  });
});
