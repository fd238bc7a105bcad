import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { GetFunctionCommand, LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deployLambda } from '../../src/executors/lambda/deploy-lambda.js';
import { app, bash, type DataFile, file, type Io, type RunEvent } from '../../src/index.js';
import { keysIn } from './bucket-cloud.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { type LambdaRun, lambdaRun } from './lambda-run.js';

let cloud: DeployedCloud;
beforeAll(async () => {
  cloud = await startDeployedCloud();
});
afterAll(() => cloud.close());

describe('with a bucket', () => {
  let run: LambdaRun;
  beforeEach(async () => {
    run = await lambdaRun({ bucket: cloud.bucket });
  });
  // Whatever a run put there goes with it.
  afterEach(async () => {
    await run[Symbol.asyncDispose]();
    expect(await keysIn(cloud.bucket)).toEqual([]);
  });

  test('arguments and results above 6 MB go through it, also from task to task', async () => {
    const { kernel } = run;
    const twice = app((bytes: Uint8Array) => Buffer.concat([bytes, bytes]), { name: 'twice', kernel });
    const measured = app((bytes: Uint8Array) => ({ length: bytes.length, last: bytes.at(-1) }), { name: 'm', kernel });
    const bytes = new Uint8Array(7 * 2 ** 20).map((_, index) => index % 251);
    const doubled = twice(bytes);
    const last = bytes.at(-1);
    expect(await measured(doubled)).toEqual({ length: 14 * 2 ** 20, last });
    expect(Buffer.from(await doubled).equals(Buffer.concat([bytes, bytes]))).toBe(true);
    expect((await keysIn(cloud.bucket)).length).toBeGreaterThan(0);
  });

  test('an error above 6 MB arrives with all its fields', async () => {
    const failing = app(
      () => {
        throw Object.assign(new RangeError('large'), { data: 'x'.repeat(7 * 2 ** 20) });
      },
      { name: 'failing', kernel: run.kernel },
    );
    const error = await failing().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as { data: string }).data).toHaveLength(7 * 2 ** 20);
  });

  test('local files go through it: inputs, outputs, and a command’s stdout and stderr', async () => {
    const { kernel, folder } = run;
    const place = (name: string) => join(folder, name);
    await writeFile(place('in.txt'), 'b\na\n');
    const sorted = bash((io) => io.sh`sort ${io.inputs} | tee ${io.outputs[0]}; echo careful >&2`, {
      name: 'sorted',
      kernel,
    });
    const call = sorted({
      inputs: [place('in.txt')],
      outputs: [place('out.txt')],
      stdout: place('said.txt'),
      stderr: place('warned.txt'),
    });
    const count = app(
      async (text: DataFile) => (await (await import('node:fs/promises')).readFile(text.path, 'utf8')).length,
      { name: 'count', kernel },
    );
    expect(await count(call.outputs[0])).toBe(4);
    const texts = await Promise.all(['out.txt', 'said.txt', 'warned.txt'].map((name) => readFile(place(name), 'utf8')));
    expect(texts).toEqual(['a\nb\n', 'a\nb\n', 'careful\n']);
  });

  test('what a failed command wrote to its streams comes back with the failure', async () => {
    const { kernel, folder } = run;
    const failing = bash(() => 'echo so far; echo so bad >&2; exit 3', { name: 'failing', kernel });
    const streams = { stdout: join(folder, 'said.txt'), stderr: join(folder, 'warned.txt') };
    await expect(failing(streams)).rejects.toMatchObject({ exitCode: 3 });
    expect(await readFile(streams.stdout, 'utf8')).toBe('so far\n');
    expect(await readFile(streams.stderr, 'utf8')).toBe('so bad\n');
  });

  test('the region of the executor is that of its bucket, for results above 6 MB too', async () => {
    const region = process.env.AWS_REGION;
    delete process.env.AWS_REGION;
    try {
      await using other = await lambdaRun({ bucket: 'my-bucket', region: 'us-east-1' });
      const large = app(() => new Uint8Array(7 * 2 ** 20), { name: 'large', kernel: other.kernel });
      expect((await large()).length).toBe(7 * 2 ** 20);
    } finally {
      process.env.AWS_REGION = region;
    }
  });

  test('the outputs of a task that fails do not appear', async () => {
    const { kernel, folder } = run;
    const failing = bash((io) => io.sh`echo half > ${io.outputs[0]}; exit 3`, { name: 'failing', kernel });
    await expect(failing({ outputs: [join(folder, 'out.txt')] })).rejects.toMatchObject({ exitCode: 3 });
    await expect(access(join(folder, 'out.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a bucket the worker may not write to is ACCESS_DENIED, and nothing is tried again', async () => {
  await using forbidden = await forbiddingServer();
  const functionName = 'kept-out';
  await deployLambda({ functionName, role: 'arn:aws:iam::000000000000:role/worker', memoryMiB: 512 });
  await setVariable(functionName, 'AWS_ENDPOINT_URL_S3', forbidden.endpoint);
  await using run = await lambdaRun({ bucket: cloud.bucket, functionName });
  const zeros = app(() => new Uint8Array(5 * 2 ** 20), { name: 'zeros', kernel: run.kernel });
  await expect(zeros()).rejects.toMatchObject({ code: 'ACCESS_DENIED', class: 'usage' });
  expect(run.kernel.stats().byExecutor.lambda?.attempts).toBe(1);
});

/** Refuses everything, as S3 does where a policy forbids it. */
async function forbiddingServer() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(403, { 'content-type': 'application/xml' });
      response.end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

async function setVariable(functionName: string, name: string, value: string): Promise<void> {
  const lambda = new LambdaClient({});
  const { Configuration } = await lambda.send(new GetFunctionCommand({ FunctionName: functionName }));
  const Variables = { ...Configuration?.Environment?.Variables, [name]: value };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: functionName, Environment: { Variables } }));
  lambda.destroy();
}

describe('without a bucket', () => {
  let run: LambdaRun;
  beforeAll(async () => {
    run = await lambdaRun();
  });
  afterAll(() => run[Symbol.asyncDispose]());

  test('an argument above 6 MB is refused, and the error says what to do', async () => {
    const length = app((bytes: Uint8Array) => bytes.length, { name: 'length', kernel: run.kernel });
    await expect(length(new Uint8Array(5 * 2 ** 20))).rejects.toMatchObject({
      code: 'NOT_SENDABLE',
      class: 'usage',
      message: expect.stringMatching(/^task \d+ 'length' is 5\.0 MiB .*: give LambdaExecutor a bucket, or pass files$/),
    });
  });

  test('a result above 6 MB is refused, and the error says what to do', async () => {
    const zeros = app(() => new Uint8Array(5 * 2 ** 20), { name: 'zeros', kernel: run.kernel });
    await expect(zeros()).rejects.toMatchObject({
      code: 'NOT_SENDABLE',
      class: 'usage',
      message: expect.stringMatching(
        /^task \d+ 'zeros' .*returned more than Lambda's 6 MB: give LambdaExecutor a bucket$/,
      ),
    });
  });

  test.each(['input', 'output', 'stdout'] as const)('a local %s is FILE_NOT_REACHABLE', async (what) => {
    const { kernel, folder } = run;
    const path = join(folder, 'here.txt');
    const command = bash((_: DataFile | null, io: Io) => io.sh`touch ${io.outputs}`, { name: 'command', kernel });
    const options = { input: {}, output: { outputs: [path] }, stdout: { stdout: path } }[what];
    await expect(command(what === 'input' ? file(path) : null, options)).rejects.toMatchObject({
      code: 'FILE_NOT_REACHABLE',
      class: 'usage',
      message: expect.stringMatching(/here\.txt is on this machine, where .* give LambdaExecutor a bucket to carry it/),
    });
  });
});

test('what Lambda bills is in the usage of each task and in the sums of the run', async () => {
  const events: RunEvent[] = [];
  const monitor = { record: (event: RunEvent) => void events.push(event), close: async () => {} };
  await using run = await lambdaRun({}, { monitors: [monitor] });
  const rest = app((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), {
    name: 'r',
    kernel: run.kernel,
  });
  await rest(60);
  await rest(60);
  const bills = events.flatMap((event) => (event.kind === 'attemptEnded' ? [event.usage?.billed] : []));
  expect(bills).toEqual([
    { milliseconds: expect.any(Number), memoryMiB: 512 },
    { milliseconds: expect.any(Number), memoryMiB: 512 },
  ]);
  const milliseconds = bills.reduce((sum, bill) => sum + (bill?.milliseconds ?? 0), 0);
  expect(milliseconds).toBeGreaterThanOrEqual(120);
  const stats = run.kernel.stats().byExecutor.lambda;
  expect(stats).toMatchObject({ attempts: 2, tasks: 2, billedMs: milliseconds });
  expect(stats?.billedGbSeconds).toBeCloseTo((milliseconds / 1000) * 0.5, 6);
  expect(stats?.runMs).toBeGreaterThanOrEqual(115);
});
