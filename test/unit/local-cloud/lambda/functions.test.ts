import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ListFunctionsCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
} from '@aws-sdk/client-lambda';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { cloudForTest, deploy, zip } from './lambda-fixture.js';

const SOURCE = 'export const handler = async () => 1;';

function create(lambda: LambdaClient, input: Partial<CreateFunctionCommandInput> = {}) {
  const command = new CreateFunctionCommand({
    FunctionName: 'f',
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Role: 'arn:aws:iam::000000000000:role/any',
    Code: { ZipFile: zip({ 'index.mjs': SOURCE }) },
    ...input,
  });
  return lambda.send(command);
}

describe('Functions', () => {
  test('a new function is active at once and is described as it was created', async () => {
    const { lambda } = await cloudForTest();
    const created = await create(lambda, { Tags: { team: 'blue' }, Environment: { Variables: { AB: 'c' } } });
    expect(created).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
      State: 'Active',
      LastUpdateStatus: 'Successful',
      Timeout: 3,
      MemorySize: 128,
      EphemeralStorage: { Size: 512 },
      Environment: { Variables: { AB: 'c' } },
      Version: '$LATEST',
    });
    expect(created.LastModified).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
    await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 5 }, { FunctionName: 'f' });
    const { Configuration, Tags } = await lambda.send(new GetFunctionCommand({ FunctionName: 'f' }));
    expect(Tags).toEqual({ team: 'blue' });
    const configuration = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'f' }));
    expect(Configuration).toEqual({ ...configuration, $metadata: undefined });
    expect(configuration).toMatchObject({ CodeSha256: created.CodeSha256, RevisionId: created.RevisionId });
  });

  test('an update changes what it names and the revision, and a stale revision is refused', async () => {
    const { lambda } = await cloudForTest();
    const first = await create(lambda);
    const second = await lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: 'f', Timeout: 900, MemorySize: 10_240 }),
    );
    expect(second).toMatchObject({
      Timeout: 900,
      MemorySize: 10_240,
      Handler: 'index.handler',
      CodeSha256: first.CodeSha256,
    });
    expect(second.RevisionId).not.toBe(first.RevisionId);
    const code = { FunctionName: 'f', ZipFile: zip({ 'index.mjs': `${SOURCE}//` }) };
    const third = await lambda.send(new UpdateFunctionCodeCommand(code));
    expect(third.CodeSha256).not.toBe(first.CodeSha256);
    expect(third.Timeout).toBe(900);
    const stale = new UpdateFunctionCodeCommand({ ...code, RevisionId: first.RevisionId });
    await expect(lambda.send(stale)).rejects.toMatchObject({ name: 'PreconditionFailedException' });
  });

  test.each<[string, Partial<CreateFunctionCommandInput>, string]>([
    ['a time limit above 900 s', { Timeout: 901 }, 'Timeout'],
    ['a time limit of 0', { Timeout: 0 }, 'Timeout'],
    ['127 MB', { MemorySize: 127 }, 'MemorySize'],
    ['10,241 MB', { MemorySize: 10_241 }, 'MemorySize'],
    ['another runtime', { Runtime: 'python3.13' }, 'Runtime'],
    ['a name with a blank', { FunctionName: 'a b' }, 'a b'],
    ['code in S3', { Code: { S3Bucket: 'b', S3Key: 'k' } }, 'ZipFile'],
    ['layers', { Layers: ['arn:x'] }, 'layers'],
    ['a reserved variable', { Environment: { Variables: { AWS_REGION: 'x' } } }, 'AWS_REGION'],
    ['more than 4 KB of variables', { Environment: { Variables: { AA: 'x'.repeat(4100) } } }, '4KB'],
    ['no zip file', { Code: { ZipFile: Buffer.from('not a zip') } }, 'unzip'],
    ['an entry above the root', { Code: { ZipFile: zip({ '../evil.js': '' }) } }, 'evil.js'],
    ['an absolute entry', { Code: { ZipFile: zip({ '/etc/evil.js': '' }) } }, 'evil.js'],
    ['an entry that climbs out in the middle', { Code: { ZipFile: zip({ 'a/../../evil.js': '' }) } }, 'evil.js'],
    [
      'more than 250 MB unzipped',
      { Code: { ZipFile: zipSync({ 'index.mjs': new Uint8Array(262_144_001) }, { level: 1 }) } },
      '262144000',
    ],
  ])('%s is refused as an invalid parameter', async (_title, input, named) => {
    const { lambda } = await cloudForTest();
    await expect(create(lambda, input)).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining(named),
      $metadata: { httpStatusCode: 400 },
    });
    await expect(lambda.send(new GetFunctionCommand({ FunctionName: 'f' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('a request with several faults names them all', async () => {
    const { lambda } = await cloudForTest();
    await expect(create(lambda, { Timeout: 1000, MemorySize: 1 })).rejects.toThrow(/'Timeout'.*'MemorySize'/);
  });

  test('a zip above 50 MB is refused as too large', async () => {
    const { lambda } = await cloudForTest();
    await expect(create(lambda, { Code: { ZipFile: new Uint8Array(52_428_801) } })).rejects.toMatchObject({
      name: 'RequestEntityTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
  });

  test('of two creations at the same time one wins, the other one meets a conflict', async () => {
    const { lambda } = await cloudForTest();
    const results = await Promise.allSettled([create(lambda), create(lambda)]);
    const failed = results.filter((result) => result.status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toMatchObject({ name: 'ResourceConflictException', $metadata: { httpStatusCode: 409 } });
  });

  test('functions are listed in pages, each once', async () => {
    const { lambda } = await cloudForTest();
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await create(lambda, { FunctionName: name });
    const listed: (string | undefined)[] = [];
    let marker: string | undefined;
    do {
      const page = await lambda.send(new ListFunctionsCommand({ MaxItems: 2, ...(marker && { Marker: marker }) }));
      listed.push(...(page.Functions ?? []).map((entry) => entry.FunctionName));
      marker = page.NextMarker;
    } while (marker !== undefined);
    expect(listed).toEqual(names);
  });

  test('deleting what does not exist is an error', async () => {
    const { lambda } = await cloudForTest();
    await deploy(lambda, { source: SOURCE });
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'f' }));
    await expect(lambda.send(new DeleteFunctionCommand({ FunctionName: 'f' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test('reserved concurrency is kept, shown, counted against the account, and freed', async () => {
    const { lambda } = await cloudForTest();
    await create(lambda);
    const reserve = (amount: number) =>
      lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'f', ReservedConcurrentExecutions: amount }));
    await expect(reserve(901)).rejects.toMatchObject({ name: 'InvalidParameterValueException' });
    expect((await reserve(900)).ReservedConcurrentExecutions).toBe(900);
    const reserved = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: 'f' }));
    expect(reserved.ReservedConcurrentExecutions).toBe(900);
    const { AccountLimit, AccountUsage } = await lambda.send(new GetAccountSettingsCommand({}));
    expect(AccountLimit).toMatchObject({ ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 100 });
    expect(AccountUsage?.FunctionCount).toBe(1);
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'f' }));
    const freed = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: 'f' }));
    expect(freed.ReservedConcurrentExecutions).toBeUndefined();
  });
});
