import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { app, bash } from '../../src/index.js';
import { type LocalCloud, startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import { type Answer, deploy, invoke, lambdaClient } from '../unit/local-cloud/lambda/lambda-fixture.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { type LambdaRun, lambdaRun } from './lambda-run.js';

// AWS's own runtime client for Node.js, which is what runs a function in Lambda, over local-cloud's Runtime API.
const RIC = ricMain();

/** `index.mjs` of the installed package, whose native part must have been built. */
function ricMain(): string | undefined {
  const folder = process.env.SLUICE_RIC;
  if (folder !== undefined && existsSync(join(folder, 'rapid-client.node'))) return join(folder, 'index.mjs');
  const text =
    'aws-lambda-ric: SLUICE_RIC does not name its installed package (npm i aws-lambda-ric@4; needs cmake, g++)';
  if ((process.env.SLUICE_REQUIRE ?? '').split(',').includes('ric')) throw new Error(text);
  console.warn(`SKIPPED ${text}`);
  return undefined;
}

const RUNTIMES: readonly (readonly [string, string | undefined])[] = [
  ["local-cloud's own", undefined],
  ...(RIC === undefined ? [] : [['aws-lambda-ric', RIC] as const]),
];

const SOURCE = `
export const value = async (event) => ({ got: event });
export const nothing = async () => undefined;
export const plain = () => 5;
export const throwing = async () => { throw new RangeError('bad'); };
export const own = async () => { throw Object.assign(new Error('mine'), { name: 'MyError', code: 7 }); };
export const word = async () => { throw 'words'; };
export const nil = async () => { throw null; };
export const exit0 = async () => process.exit(0);
export const exit3 = async () => process.exit(3);
export const large = async () => 'x'.repeat(6291556);
export const logging = async () => { console.log('out'); console.error('err'); process.stdout.write('raw\\n'); return 1; };
export const slow = () => new Promise(() => setInterval(() => undefined, 1000));
export const uncaught = () => new Promise(() => { setTimeout(() => { throw new TypeError('later'); }, 5); });
export const forgotten = () => new Promise(() => { void Promise.reject(new TypeError('later')); setTimeout(() => 0, 900); });
export const unsettled = async () => { await new Promise(() => undefined); };
export const circular = async () => { const a = {}; a.a = a; return a; };
export const number = 1;
export const context = async (event, context) => ({
  name: context.functionName, version: context.functionVersion, arn: context.invokedFunctionArn,
  memory: context.memoryLimitInMB, group: context.logGroupName, stream: context.logStreamName,
  id: context.awsRequestId, client: context.clientContext, leftMs: context.getRemainingTimeInMillis(),
  trace: process.env._X_AMZN_TRACE_ID,
});`;

describe.each(RUNTIMES)('%s runtime', (_, runtime) => {
  let cloud: LocalCloud;
  let lambda: ReturnType<typeof lambdaClient>;
  beforeAll(async () => {
    cloud = await startLocalCloud(runtime === undefined ? {} : { runtime });
    lambda = lambdaClient(cloud);
  });
  afterAll(async () => {
    lambda.destroy();
    await cloud.close();
  });

  const call = async (handler: string, options: { source?: string; timeout?: number } = {}): Promise<Answer> => {
    const name = `f-${handler.replaceAll('.', '-')}-${options.source?.length ?? 0}`;
    await deploy(lambda, { name, source: SOURCE, handler, ...options });
    return invoke(lambda, name, { a: [1, null] });
  };

  test.each<[string, unknown]>([
    ['index.value', { got: { a: [1, null] } }],
    ['index.nothing', null],
    ['index.plain', 5],
  ])('%s answers', async (handler, expected) => {
    expect(await call(handler)).toMatchObject({ value: expected, functionError: undefined });
  });

  const exited = (how: string) => [
    'Runtime.ExitError',
    expect.stringMatching(new RegExp(`^RequestId: [0-9a-f-]{36} Error: Runtime exited ${how}$`)),
  ];
  // [handler, type, message, what goes with it]
  test.each<[string, unknown[], { source?: string; timeout?: number }?]>([
    ['index.throwing', ['RangeError', 'bad']],
    ['index.own', ['MyError', 'mine']],
    ['index.word', ['string', 'words']],
    ['index.nil', ['object', 'null']],
    ['index.exit0', exited('without providing a reason')],
    ['index.exit3', exited('with error: exit status 3')],
    ['index.large', ['Function.ResponseSizeTooLarge', expect.stringMatching(/\(6291556 bytes\)/)]],
    ['index.slow', ['Sandbox.Timedout', expect.stringMatching(/Task timed out after 1\.00 seconds$/)], { timeout: 1 }],
    ['index.missing', ['Runtime.HandlerNotFound', 'index.missing is undefined or not exported']],
    ['index.number', ['Runtime.HandlerNotFound', 'index.number is not a function']],
    ['index', ['Runtime.MalformedHandlerName', 'Bad handler']],
    ['absent.handler', ['Runtime.ImportModuleError', expect.stringMatching(/^Error: Cannot find module 'absent'/)]],
    [
      'index.a',
      ['Runtime.UserCodeSyntaxError', expect.stringMatching(/^SyntaxError: /)],
      { source: 'export const a = (' },
    ],
    ['index.b', ['RangeError', 'at load'], { source: 'throw new RangeError("at load");' }],
    ['index.c', exited('with error: exit status 4'), { source: 'process.exit(4);' }],
  ])('%s fails with the type and the words of Lambda', async (handler, [errorType, errorMessage], options) => {
    const answer = await call(handler, options);
    expect(answer).toMatchObject({ functionError: 'Unhandled', value: { errorType, errorMessage } });
  });

  // What they do differently, both told: the older runtimes of Lambda behave as local-cloud's own does.
  test.each<[string, string, string]>([
    ['index.uncaught', 'TypeError', 'Runtime.ExitError'],
    ['index.forgotten', 'Runtime.UnhandledPromiseRejection', 'Runtime.ExitError'],
    ['index.unsettled', 'Runtime.NodeJsExit', 'Runtime.ExitError'],
    ['index.circular', 'Error', 'Runtime.JSONStringifyError'],
  ])('%s fails as %s, and as %s in AWS’s', async (handler, own, aws) => {
    const { value, functionError } = await call(handler);
    expect(functionError).toBe('Unhandled');
    expect(value).toMatchObject({ errorType: runtime === undefined ? own : aws });
  });

  test('the context says what Lambda says', async () => {
    const name = await deploy(lambda, { name: 'context', source: SOURCE, handler: 'index.context', timeout: 5 });
    const ClientContext = Buffer.from('{"custom":{"ä":1}}').toString('base64');
    const { Payload, $metadata } = await lambda.send(new InvokeCommand({ FunctionName: name, ClientContext }));
    const context = JSON.parse(Payload?.transformToString() ?? '');
    expect(context).toMatchObject({
      name: 'context',
      version: '$LATEST',
      arn: `arn:aws:lambda:${cloud.region}:000000000000:function:context`,
      memory: '256',
      group: '/aws/lambda/context',
      stream: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
      id: $metadata.requestId,
      client: { custom: { ä: 1 } },
      trace: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/),
    });
    expect(context.leftMs).toBeGreaterThan(3_000);
    expect(context.leftMs).toBeLessThanOrEqual(5_000);
  });

  test('the log is in order, between START and REPORT', async () => {
    const { log } = await call('index.logging');
    expect(log).toMatch(/^START RequestId: .*\n(?:.*\t)?out\n(?:.*\t)?err\nraw\nEND RequestId: .*\nREPORT RequestId: /);
  });

  test('one environment serves one invocation after the other', async () => {
    const name = await deploy(lambda, { name: 'again', source: 'export const handler = async () => process.pid;' });
    const pids = [];
    for (const _ of [1, 2, 3]) pids.push((await invoke(lambda, name)).value);
    expect(new Set(pids).size).toBe(1);
  });
});

describe.skipIf(RIC === undefined)('the deployed worker under aws-lambda-ric', () => {
  let cloud: DeployedCloud;
  let run: LambdaRun;
  beforeAll(async () => {
    cloud = await startDeployedCloud({
      cloud: { runtime: RIC ?? '' },
      fn: { memoryMiB: 256, timeoutSeconds: 4 },
    });
    run = await lambdaRun({ bucket: cloud.bucket });
  });
  afterAll(async () => {
    await run[Symbol.asyncDispose]();
    await cloud.close();
  });

  test('results come back as they were, small ones and those above 6 MB', async () => {
    const { kernel } = run;
    const value = app(() => new Map([[1n, new Date(5)]]), { name: 'value', kernel });
    const twice = app((bytes: Uint8Array) => Buffer.concat([bytes, bytes]), { name: 'twice', kernel });
    expect(await value()).toEqual(new Map([[1n, new Date(5)]]));
    const bytes = new Uint8Array(4 * 2 ** 20).map((_, index) => index % 251);
    expect(Buffer.from(await twice(bytes)).equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  test('commands and local files do as well', async () => {
    const { kernel, folder } = run;
    await writeFile(join(folder, 'in.txt'), 'b\na\n');
    const sorted = bash((io) => io.sh`sort ${io.inputs} > ${io.outputs[0]}`, { name: 'sorted', kernel });
    await sorted({ inputs: [join(folder, 'in.txt')], outputs: [join(folder, 'out.txt')] });
    expect(await readFile(join(folder, 'out.txt'), 'utf8')).toBe('a\nb\n');
  });

  test.each<[string, () => unknown, object]>([
    [
      'throws',
      () => {
        throw new RangeError('bad', { cause: new TypeError('inner') });
      },
      { name: 'RangeError', message: 'bad', cause: { name: 'TypeError', message: 'inner' } },
    ],
    ['calls process.exit(3)', () => process.exit(3), { code: 'TASK_EXITED', class: 'app' }],
    [
      'throws where nobody catches',
      () =>
        new Promise(() => {
          setTimeout(() => {
            throw new RangeError('later');
          }, 10);
        }),
      { code: 'TASK_EXITED', class: 'app' },
    ],
    [
      'leaves a rejection to itself',
      () =>
        new Promise(() => {
          void Promise.reject(new TypeError('forgotten'));
          setTimeout(() => undefined, 3_000);
        }),
      { code: 'TASK_EXITED', class: 'app' },
    ],
    [
      'never returns',
      () => {
        for (;;);
      },
      { code: 'WALLTIME', class: 'app' },
    ],
    [
      'fills its memory',
      async () => {
        for (const kept: unknown[] = []; ; ) {
          kept.push(Buffer.alloc(2 ** 24, 1));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
      { code: 'OUT_OF_MEMORY', class: 'app' },
    ],
  ])('a task that %s fails as it does under local-cloud’s own runtime', async (_, fn, expected) => {
    const failing = app(fn, { name: 'failing', kernel: run.kernel });
    await expect(failing()).rejects.toMatchObject(expected);
    const next = app(() => 'next', { name: 'next', kernel: run.kernel });
    expect(await next()).toBe('next');
  });
});
