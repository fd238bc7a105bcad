import {
  CreateFunctionCommand,
  GetFunctionCommand,
  LambdaClient,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployLambda } from '../../src/executors/lambda/deploy-lambda.js';
import type { LambdaOptions } from '../../src/executors/lambda/lambda-options.js';
import { app } from '../../src/index.js';
import { VERSION } from '../../src/version.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { lambdaRun } from './lambda-run.js';

const ROLE = 'arn:aws:iam::000000000000:role/worker';
let cloud: DeployedCloud;
let lambda: LambdaClient;
beforeAll(async () => {
  cloud = await startDeployedCloud();
  lambda = new LambdaClient({});
});
afterAll(async () => {
  lambda.destroy();
  await cloud.close();
});

async function startFailure(options: LambdaOptions): Promise<unknown> {
  try {
    await using run = await lambdaRun(options);
    return `it started: ${run.kernel.runId}`;
  } catch (error) {
    return error;
  }
}

async function setVariables(name: string, variables: Record<string, string>): Promise<void> {
  await lambda.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: variables } }),
  );
}

const configuration = async (name: string) =>
  (await lambda.send(new GetFunctionCommand({ FunctionName: name }))).Configuration;

describe('a run does not start', () => {
  test('over a function that is not there', async () => {
    expect(await startFailure({ functionName: 'absent' })).toMatchObject({
      code: 'FUNCTION_NOT_DEPLOYED',
      class: 'usage',
      message: expect.stringMatching(
        /^Lambda function 'absent' does not exist here: run sluice deploy lambda --function absent/,
      ),
    });
  });

  test('over a function that somebody else made', async () => {
    const ZipFile = zipSync({ 'index.mjs': strToU8('export const handler = async () => 1;') });
    const settings = { FunctionName: 'theirs', Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler' } as const;
    await lambda.send(new CreateFunctionCommand({ ...settings, Code: { ZipFile } }));
    expect(await startFailure({ functionName: 'theirs' })).toMatchObject({
      code: 'VERSION_MISMATCH',
      class: 'usage',
      message: `Lambda function 'theirs' is no worker of sluice: give the name of one (functionName), or deploy one`,
    });
  });

  test('over a worker of another version', async () => {
    await deployLambda({ role: ROLE, functionName: 'older' });
    await setVariables('older', { SLUICE_VERSION: '0.0.1', SLUICE_WIRE_VERSION: '1' });
    expect(await startFailure({ functionName: 'older' })).toMatchObject({
      code: 'VERSION_MISMATCH',
      message: expect.stringContaining("'older' runs sluice 0.0.1 (wire 1); this client is"),
    });
    await deployLambda({ functionName: 'older' });
    expect(await startFailure({ functionName: 'older' })).toMatch(/^it started/);
  });

  test('over a worker of another wire version', async () => {
    await deployLambda({ role: ROLE, functionName: 'newer' });
    await setVariables('newer', { SLUICE_VERSION: VERSION, SLUICE_WIRE_VERSION: '99' });
    expect(await startFailure({ functionName: 'newer' })).toMatchObject({ code: 'VERSION_MISMATCH' });
  });

  test('with a bucket that is not there', async () => {
    expect(await startFailure({ bucket: 'no-such-bucket' })).toMatchObject({
      code: 'NOT_FOUND',
      class: 'usage',
      message: expect.stringContaining("'no-such-bucket' does not exist"),
    });
  });

  test('with a wrong secret key', async () => {
    const secret = process.env.AWS_SECRET_ACCESS_KEY;
    process.env.AWS_SECRET_ACCESS_KEY = 'not-the-secret';
    const failure = await startFailure({});
    process.env.AWS_SECRET_ACCESS_KEY = secret;
    expect(failure).toMatchObject({
      code: 'ACCESS_DENIED',
      class: 'usage',
      message: expect.stringMatching(/^asking for Lambda function 'sluice-worker' was refused .*check the AWS keys/),
    });
  });
});

test('a walltime above the function’s timeout is refused before anything is sent', async () => {
  await using run = await lambdaRun();
  const long = app(() => 1, { name: 'long', kernel: run.kernel, walltimeMs: 30_001 });
  await expect(long()).rejects.toMatchObject({
    code: 'RESOURCES_NOT_HONOURED',
    class: 'usage',
    message: expect.stringMatching(/walltime of 30001 ms; Lambda function 'sluice-worker' ends after 30 s/),
  });
  await expect(long.with({ walltimeMs: 30_000 })()).resolves.toBe(1);
});

test('above the account’s concurrency tasks wait for their turn, and no attempt is spent on it', async () => {
  await using small = await smallAccount();
  const { kernel, executor } = small.run;
  const rest = app((n: number) => new Promise<number>((resolve) => setTimeout(() => resolve(n), 20)), { kernel });
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  expect(await Promise.all(numbers.map((n) => rest(n)))).toEqual(numbers);
  expect(kernel.stats().byExecutor.lambda).toMatchObject({ attempts: 40, tasks: 40 });
  // It started at 64: only refusals bring it down.
  expect(executor.load().capacity).toBeLessThan(32);
});

async function smallAccount() {
  const cloud = await startDeployedCloud({ cloud: { concurrency: 2 } });
  try {
    const run = await lambdaRun({ maxConcurrency: 100 });
    return {
      run,
      [Symbol.asyncDispose]: async () => {
        await run[Symbol.asyncDispose]();
        await cloud.close();
      },
    };
  } catch (error) {
    await cloud.close();
    throw error;
  }
}

describe('deployLambda', () => {
  const functionName = 'deployed';
  const deploy = (options = {}) => deployLambda({ functionName, memoryMiB: 512, ...options });

  test('gives the function what stores need of its environment, and leaves what it was given before', async () => {
    const named = { functionName: 'variables' };
    await deploy({ role: ROLE, ...named, environment: { SLUICE_CACHE_MIB: '100', TOKEN: 'first' } });
    expect((await deploy({ ...named, environment: { TOKEN: 'first' } })).done).toBe('unchanged');
    expect((await deploy({ ...named, environment: { TOKEN: 'second' } })).done).toBe('updated');
    expect((await configuration('variables'))?.Environment?.Variables).toMatchObject({
      SLUICE_CACHE_MIB: '100',
      TOKEN: 'second',
      SLUICE_VERSION: VERSION,
    });
    await using run = await lambdaRun(named);
    const token = app(() => process.env.TOKEN, { name: 'token', kernel: run.kernel });
    expect(await token()).toBe('second');
    await expect(deploy({ ...named, environment: { 'no-name': 'x' } })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  test('needs a role for a function that is not there, and says so', async () => {
    await expect(deploy()).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(
        /'deployed' does not exist yet, and creating it needs the ARN of a role \(--role\)/,
      ),
    });
  });

  test('creates, then finds nothing to do', async () => {
    const functionArn = expect.stringMatching(/^arn:aws:lambda:.*:function:deployed$/);
    expect(await deploy({ role: ROLE })).toEqual({ functionName, functionArn, done: 'created' });
    expect(await deploy({ role: ROLE })).toEqual({ functionName, functionArn, done: 'unchanged' });
    expect(await deploy()).toMatchObject({ done: 'unchanged' });
    expect(await configuration(functionName)).toMatchObject({
      Handler: 'index.handler',
      MemorySize: 512,
      Timeout: 900,
      Runtime: 'nodejs24.x',
      EphemeralStorage: { Size: 512 },
    });
  });

  test.each([
    [{ memoryMiB: 1_024 }, { MemorySize: 1_024 }],
    [{ timeoutSeconds: 60 }, { Timeout: 60 }],
    [{ ephemeralStorageMiB: 600 }, { EphemeralStorage: { Size: 600 } }],
    [{ runtime: 'nodejs22.x' }, { Runtime: 'nodejs22.x' }],
    [{ role: `${ROLE}-2` }, { Role: `${ROLE}-2` }],
  ])('updates when %o changes', async (changed, expected) => {
    await deploy({ role: ROLE });
    expect(await deploy(changed)).toMatchObject({ done: 'updated' });
    expect(await configuration(functionName)).toMatchObject(expected);
    expect(await deploy(changed)).toMatchObject({ done: 'unchanged' });
  });

  test('leaves a function alone that somebody else made', async () => {
    const before = await configuration('theirs');
    await expect(deploy({ functionName: 'theirs', timeoutSeconds: 20 })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining("'theirs' exists and is no worker of sluice: it is left as it is"),
    });
    expect(await configuration('theirs')).toEqual(before);
  });

  test('replaces other code, and the function is a worker again', async () => {
    await deploy({ role: ROLE });
    const ZipFile = zipSync({ 'index.mjs': strToU8('export const handler = async () => 1;') });
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: functionName, ZipFile }));
    expect(await deploy({ timeoutSeconds: 20 })).toMatchObject({ done: 'updated' });
    await using run = await lambdaRun({ functionName });
    expect(await app(() => 'works', { kernel: run.kernel })()).toBe('works');
  });

  test('keeps the environment variables that others set', async () => {
    await deploy({ role: ROLE });
    const { Environment } = (await configuration(functionName)) ?? {};
    await setVariables(functionName, { ...Environment?.Variables, MINE: 'kept', SLUICE_VERSION: '0.0.1' });
    expect(await deploy()).toMatchObject({ done: 'updated' });
    const { Environment: after } = (await configuration(functionName)) ?? {};
    expect(after?.Variables).toEqual({ MINE: 'kept', SLUICE_VERSION: VERSION, SLUICE_WIRE_VERSION: '1' });
  });
});
