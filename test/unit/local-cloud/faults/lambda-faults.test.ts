import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  InvokeCommand,
  type LambdaClient,
  ListFunctionsCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { type FaultRule, type LocalCloud, startLocalCloud } from 'sluice/local-cloud';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Answer, deploy, invoke, lambdaClient } from '../lambda/lambda-fixture.js';

// Counts its runs by appending a line to a file; `ms` is how long it takes.
const SOURCE = `
import { appendFileSync } from 'node:fs';
export const handler = async ({ file, ms = 0 }, { awsRequestId }) => {
  if (file) appendFileSync(file, awsRequestId + '\\n');
  await new Promise((resolve) => setTimeout(resolve, ms));
  return { pid: process.pid };
};`;

let cloud: LocalCloud;
let lambda: LambdaClient;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
  cloud = await startLocalCloud();
  lambda = lambdaClient(cloud);
  await deploy(lambda, { source: SOURCE, timeout: 5 });
  await deploy(lambda, { name: 'g', source: SOURCE });
});
afterAll(async () => {
  lambda.destroy();
  await cloud.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => cloud.faults.set([]));

const once = (rule: FaultRule): void => cloud.faults.set([{ times: 1, ...rule }]);
const pidOf = ({ value }: Answer) => (value as { pid: number }).pid;

/** A file that each run of the function writes its request id to. */
function runs(): { readonly file: string; ids(): Promise<string[]> } {
  const file = join(folder, randomBytes(8).toString('hex'));
  const text = () => readFile(file, 'utf8').catch(() => '');
  return { file, ids: async () => (await text()).split('\n').filter((line) => line !== '') };
}

describe('an error', () => {
  test('before execution: the function never ran', async () => {
    const { file, ids } = runs();
    once({ operation: 'Invoke', fault: { kind: 'error' } });
    const failed = { name: 'ServiceException', $metadata: { httpStatusCode: 500 } };
    await expect(invoke(lambda, 'f', { file })).rejects.toMatchObject(failed);
    expect(await ids()).toEqual([]);
  });

  test('after execution: the function ran, its answer is lost', async () => {
    const { file, ids } = runs();
    once({ operation: 'Invoke', fault: { kind: 'error', code: 'EC2ThrottledException', execution: 'after' } });
    const failed = { name: 'EC2ThrottledException', $metadata: { httpStatusCode: 502 } };
    await expect(invoke(lambda, 'f', { file })).rejects.toMatchObject(failed);
    expect(await ids()).toHaveLength(1);
  });

  test.each(['CallerRateLimitExceeded', 'ReservedFunctionConcurrentInvocationLimitExceeded'] as const)(
    '429 says its reason, %s, and when to come back',
    async (reason) => {
      once({ fault: { kind: 'error', code: 'TooManyRequestsException', reason, retryAfterSeconds: 7 } });
      const refused = await invoke(lambda, 'f').catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(TooManyRequestsException);
      expect(refused).toMatchObject({ Reason: reason, retryAfterSeconds: '7', message: 'Rate Exceeded.' });
    },
  );

  test('strikes only what its rule names', async () => {
    cloud.faults.set([{ functionName: 'g', fault: { kind: 'error' } }]);
    await invoke(lambda, 'f');
    await lambda.send(new ListFunctionsCommand({}));
    await expect(invoke(lambda, 'g')).rejects.toMatchObject({ name: 'ServiceException' });
    await expect(invoke(lambda, `arn:aws:lambda:${cloud.region}:000000000000:function:g`)).rejects.toThrow();
    expect(cloud.faults.counts()).toEqual([{ rule: 'error[0]', matched: 2, injected: 2 }]);
  });

  test('never takes the place of a refused signature', async () => {
    cloud.faults.set([{ fault: { kind: 'error' } }]);
    const unsigned = await fetch(`${cloud.endpoint}/2015-03-31/functions/f/invocations`, { method: 'POST' });
    expect(unsigned.status).toBe(403);
  });
});

test('a burst of throttling refuses everything for its time, then nothing', async () => {
  cloud.faults.set([{ nth: 1, fault: { kind: 'throttleBurst', forMs: 300 } }]);
  const startedAtMs = performance.now();
  let refusals = 0;
  for (;;) {
    const refused = await invoke(lambda, 'f').catch((error: unknown) => error);
    if (!(refused instanceof TooManyRequestsException)) break;
    expect(refused.Reason).toBe('ConcurrentInvocationLimitExceeded');
    refusals += 1;
  }
  expect(performance.now() - startedAtMs).toBeGreaterThan(295);
  expect(refusals).toBeGreaterThan(1);
});

describe('a duplicate', () => {
  test('runs the function twice under one request id, and one answer comes back', async () => {
    const { file, ids } = runs();
    once({ fault: { kind: 'duplicate' } });
    const answer = await invoke(lambda, 'f', { file, ms: 100 });
    expect(answer.functionError).toBeUndefined();
    await vi.waitFor(async () => expect(await ids()).toHaveLength(2), { timeout: 10_000 });
    expect(new Set(await ids())).toEqual(new Set([answer.raw.$metadata.requestId]));
  });

  test('of an Event invocation runs it twice as well', async () => {
    const { file, ids } = runs();
    once({ fault: { kind: 'duplicate' } });
    const Payload = JSON.stringify({ file });
    await lambda.send(new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event', Payload }));
    await vi.waitFor(async () => expect(await ids()).toHaveLength(2), { timeout: 10_000 });
  });
});

test('a cold start takes a new environment, whose init is longer, and the warm one is gone', async () => {
  await invoke(lambda, 'f');
  const warm = pidOf(await invoke(lambda, 'f'));
  once({ fault: { kind: 'coldStart', initMs: 300 } });
  const cold = await invoke(lambda, 'f');
  expect(pidOf(cold)).not.toBe(warm);
  expect(Number(/Init Duration: ([\d.]+) ms/.exec(cold.log)?.[1])).toBeGreaterThan(300);
  await vi.waitFor(() => expect(() => process.kill(warm, 0)).toThrow(), { timeout: 5_000 });
  expect(pidOf(await invoke(lambda, 'f'))).toBe(pidOf(cold));
});

describe('an environment that is killed', () => {
  const killed = { errorType: 'Runtime.ExitError', errorMessage: expect.stringMatching(/signal: killed$/) };

  test('during the invocation: the function has begun, and the caller gets Lambda’s own words', async () => {
    const { file, ids } = runs();
    once({ fault: { kind: 'killEnvironment', afterMs: 300 } });
    const answer = await invoke(lambda, 'f', { file, ms: 4_000 });
    expect(answer).toMatchObject({ functionError: 'Unhandled', value: killed });
    expect(await ids()).toHaveLength(1);
    expect((await invoke(lambda, 'f')).functionError).toBeUndefined();
  });

  test('also when the function is faster than the kill: its answer never leaves', async () => {
    const { file, ids } = runs();
    once({ fault: { kind: 'killEnvironment', afterMs: 60_000 } });
    expect(await invoke(lambda, 'f', { file })).toMatchObject({ functionError: 'Unhandled', value: killed });
    expect(await ids()).toHaveLength(1);
  });

  test('for its memory: the log reports all of it used', async () => {
    once({ fault: { kind: 'outOfMemory' } });
    const answer = await invoke(lambda, 'f', { ms: 4_000 });
    expect(answer).toMatchObject({ functionError: 'Unhandled', value: killed });
    expect(answer.log).toMatch(/Memory Size: 256 MB\tMax Memory Used: 256 MB/);
  });
});

describe('a connection or an answer that is bad', () => {
  test('cut instead of the answer: a reset, and the function ran', async () => {
    const { file, ids } = runs();
    once({ fault: { kind: 'cut', where: 'answer' }, operation: 'Invoke' });
    await expect(invoke(lambda, 'f', { file })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await ids()).toHaveLength(1);
  });

  test('cut in the middle of the body: a reset as well', async () => {
    once({ fault: { kind: 'cut', where: 'body' }, operation: 'Invoke' });
    await expect(invoke(lambda, 'f')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('cut in the middle of the upload: the function never ran', async () => {
    const { file, ids } = runs();
    once({ fault: { kind: 'cut', where: 'upload' }, operation: 'Invoke' });
    const large = invoke(lambda, 'f', { file, ballast: 'x'.repeat(2_000_000) });
    await expect(large).rejects.toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    expect(await ids()).toEqual([]);
  });

  test('slow: late, and whole', async () => {
    once({ fault: { kind: 'slow', latencyMs: 200, bytesPerSecond: 100 }, operation: 'Invoke' });
    const startedAtMs = performance.now();
    expect(pidOf(await invoke(lambda, 'f'))).toBeGreaterThan(0);
    expect(performance.now() - startedAtMs).toBeGreaterThan(300);
  });
});

test('a script that does not fit is refused at the start and later, and the old one stays', async () => {
  const wrong = [{ fault: { kind: 'explode' } }] as unknown as FaultRule[];
  const refused = { code: 'INVALID_OPTIONS', message: expect.stringMatching(/faults\[0\]/) };
  await expect(startLocalCloud({ faults: wrong })).rejects.toMatchObject(refused);
  once({ fault: { kind: 'error' } });
  expect(() => cloud.faults.set(wrong)).toThrow(expect.objectContaining(refused));
  await expect(invoke(lambda, 'f')).rejects.toMatchObject({ name: 'ServiceException' });
});
