import { describe, expect, test } from 'vitest';
import { deployLambda } from '../../../../src/executors/lambda/deploy-lambda.js';
import { LambdaExecutor } from '../../../../src/executors/lambda/lambda-executor.js';
import { resolveLambdaOptions } from '../../../../src/executors/lambda/lambda-options.js';

async function refusal(make: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await make();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was not refused');
}

describe('options of LambdaExecutor', () => {
  test('all have defaults', () => {
    expect(resolveLambdaOptions({})).toEqual({
      label: 'lambda',
      functionName: 'sluice-worker',
      prefix: 'sluice',
      maxConcurrency: 1_000,
      throttleDeadlineMs: 900_000,
    });
  });

  test('that do not exist or do not fit are all named at once', async () => {
    const options = { bucket: 's3://b', prefix: '/p/', maxConcurrency: 0, label: '', memory: 5 };
    const { code, message } = await refusal(() => new LambdaExecutor(options));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message.split('\n')[0]).toBe('LambdaExecutor options:');
    for (const name of Object.keys(options)) expect(message).toContain(name);
  });
});

describe('options of deployLambda', () => {
  test('that do not exist or do not fit are all named at once, before any request', async () => {
    const options = { role: 'admin', memoryMiB: 64, timeoutSeconds: 901, runtime: 'python3.12', size: 1 };
    const { code, message } = await refusal(() => deployLambda(options));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message.split('\n')[0]).toBe('deploy lambda options:');
    for (const name of Object.keys(options)) expect(message).toContain(name);
  });
});
