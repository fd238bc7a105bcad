import {
  DeleteFunctionCommand,
  InvokeCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, test } from 'vitest';
import { cloudForTest, deploy, invoke, zip } from './lambda-fixture.js';

describe('Invoke', () => {
  test('runs the handler with its event and answers with what it returns', async () => {
    const { lambda } = await cloudForTest();
    const source =
      'export const handler = async (event, context) => ({ event, id: context.awsRequestId, left: context.getRemainingTimeInMillis(), arn: context.invokedFunctionArn, memory: context.memoryLimitInMB, name: context.functionName });';
    await deploy(lambda, { source });
    const { value, functionError, raw } = await invoke(lambda, 'f', { a: [1, 'ü'] });
    expect(functionError).toBeUndefined();
    expect(raw.ExecutedVersion).toBe('$LATEST');
    expect(value).toMatchObject({
      event: { a: [1, 'ü'] },
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
      memory: '256',
      name: 'f',
    });
    const { id, left } = value as { id: string; left: number };
    expect(id).toBe(raw.$metadata.requestId);
    expect(left).toBeGreaterThan(8000);
    expect(left).toBeLessThanOrEqual(10_000);
  });

  test('keeps an environment warm, one invocation at a time, and starts another for the next at the same time', async () => {
    const { lambda } = await cloudForTest();
    const source = `let n = 0; export const handler = async ({ ms }) => { n += 1; await new Promise((r) => setTimeout(r, ms)); return { n, pid: process.pid }; };`;
    await deploy(lambda, { source });
    const both = await Promise.all([invoke(lambda, 'f', { ms: 300 }), invoke(lambda, 'f', { ms: 300 })]);
    const [a, b] = both.map(({ value }) => value as { n: number; pid: number });
    expect(a?.pid).not.toBe(b?.pid);
    const third = await invoke(lambda, 'f', { ms: 0 });
    expect((third.value as { n: number }).n).toBe(2);
    expect(third.log).not.toContain('Init Duration');
  });

  test('logs the lines of the function between START, END and REPORT, the init in the first one only', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, {
      source: `export const handler = async () => { console.log('one'); console.error('two'); };`,
      memory: 128,
    });
    const { log, value, raw } = await invoke(lambda, 'f');
    expect(value).toBeNull();
    const id = raw.$metadata.requestId ?? '';
    expect(log).toMatch(
      new RegExp(
        `START RequestId: ${id} Version: \\$LATEST\none\ntwo\nEND RequestId: ${id}\nREPORT RequestId: ${id}\tDuration: [\\d.]+ ms\tBilled Duration: \\d+ ms\tMemory Size: 128 MB\tMax Memory Used: [1-9]\\d+ MB\tInit Duration: [\\d.]+ ms\t\n$`,
      ),
    );
  });

  test('gives the last 4 KB of a long log', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, {
      source: `export const handler = async () => { for (let i = 0; i < 20000; i += 1) console.log('line', i); };`,
    });
    const { log } = await invoke(lambda, 'f');
    expect(Buffer.byteLength(log)).toBe(4096);
    expect(log).toContain('line 19999\nEND RequestId');
  });

  test('passes only the documented variables, the function’s own and the way to local-cloud', async () => {
    const { cloud, lambda } = await cloudForTest();
    process.env.SECRET_OF_PARENT = 'no';
    const source = 'export const handler = async () => process.env;';
    await deploy(lambda, { source, variables: { MINE: 'yes' } });
    const env = (await invoke(lambda, 'f')).value as Record<string, string>;
    delete process.env.SECRET_OF_PARENT;
    expect(env).toMatchObject({
      MINE: 'yes',
      ...cloud.env,
      AWS_DEFAULT_REGION: 'us-east-1',
      _HANDLER: 'index.handler',
    });
    const known =
      /^(MINE|PATH|LANG|TZ|HOME|TMPDIR|_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|AWS_\w+|GOOGLE_\w+|STORAGE_EMULATOR_HOST|NODE_EXTRA_CA_CERTS)$/;
    expect(Object.keys(env).filter((name) => !known.test(name))).toEqual([]);
    expect(env.TMPDIR).toBe(env.HOME);
  });

  test('answers DryRun with 204 and no run, and names the function also by partial and full ARN', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: 'export const handler = async () => 1;' });
    const dry = await lambda.send(new InvokeCommand({ FunctionName: 'f', InvocationType: 'DryRun' }));
    expect(dry.StatusCode).toBe(204);
    for (const name of ['f:$LATEST', '000000000000:function:f', 'arn:aws:lambda:us-east-1:000000000000:function:f']) {
      expect((await invoke(lambda, name)).value).toBe(1);
    }
  });

  test('uses new code and new settings for the next invocation, and lets the running one end', async () => {
    const { lambda } = await cloudForTest();
    const source = (n: number) =>
      `export const handler = async ({ ms = 0 }, { memoryLimitInMB }) => { await new Promise((r) => setTimeout(r, ms)); return [${n}, memoryLimitInMB]; };`;
    await deploy(lambda, { source: source(1) });
    const slow = invoke(lambda, 'f', { ms: 800 });
    await invoke(lambda, 'f');
    await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'f', ZipFile: zip({ 'index.mjs': source(2) }) }));
    expect((await invoke(lambda, 'f')).value).toEqual([2, '256']);
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'f', MemorySize: 300 }));
    expect((await invoke(lambda, 'f')).value).toEqual([2, '300']);
    expect((await slow).value).toEqual([1, '256']);
  });

  test('refuses what cannot be an invocation, each by its name', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: 'export const handler = async () => 1;' });
    const send = (input: Partial<ConstructorParameters<typeof InvokeCommand>[0]>) =>
      lambda.send(new InvokeCommand({ FunctionName: 'f', ...input }));
    await expect(send({ FunctionName: 'nope' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope',
      $metadata: { httpStatusCode: 404 },
    });
    await expect(send({ Qualifier: '7' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(send({ Payload: '{no' })).rejects.toMatchObject({
      name: 'InvalidRequestContentException',
      $metadata: { httpStatusCode: 400 },
    });
    await expect(send({ Payload: JSON.stringify('x'.repeat(6_291_455)) })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
    await expect(
      send({ Payload: JSON.stringify('x'.repeat(1_048_575)), InvocationType: 'Event' }),
    ).rejects.toMatchObject({ name: 'RequestTooLargeException' });
    expect((await send({ Payload: JSON.stringify('x'.repeat(6_291_454)) })).StatusCode).toBe(200);
  });

  test('refuses a response above 6,291,556 bytes as a function error, and goes on', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: `export const handler = async (n) => 'x'.repeat(n);` });
    expect(await invoke(lambda, 'f', 6_291_555)).toMatchObject({
      functionError: 'Unhandled',
      value: {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      },
    });
    expect((await invoke(lambda, 'f', 6_291_554)).functionError).toBeUndefined();
  });

  test('a deleted function is gone, and may be created again with other code', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: 'export const handler = async () => 1;' });
    await invoke(lambda, 'f');
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'f' }));
    await expect(invoke(lambda, 'f')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await deploy(lambda, { source: 'export const handler = async () => 2;' });
    expect((await invoke(lambda, 'f')).value).toBe(2);
  });
});
