import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { app, bash, type DataFile, file } from '../../src/index.js';
import type { FaultRule } from '../../src/local-cloud/faults/fault.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { type LambdaRun, lambdaRun } from './lambda-run.js';

let cloud: DeployedCloud;
let run: LambdaRun;
beforeAll(async () => {
  cloud = await startDeployedCloud({ fn: { timeoutSeconds: 10 } });
});
afterAll(() => cloud.close());
beforeEach(async () => {
  run = await lambdaRun({ bucket: cloud.bucket });
});
afterEach(async () => {
  cloud.faults.set([]);
  await run[Symbol.asyncDispose]();
});

const once = (rule: FaultRule): void => cloud.faults.set([{ times: 1, ...rule }]);
const attempts = () => run.kernel.stats().byExecutor.lambda?.attempts;
const injected = () => cloud.faults.counts().map((count) => count.injected);

/** A file of the run's folder that a task appends its line to, and the lines. */
function runsOf(): { readonly path: string; count(): Promise<number> } {
  const path = run.folder;
  return { path, count: async () => (await readdir(path)).filter((name) => name.startsWith('run-')).length };
}

const working = () =>
  app(
    async (folder: string, ms: number) => {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(`${folder}/run-${crypto.randomUUID()}`, '');
      await new Promise((resolve) => setTimeout(resolve, ms));
      return 'done';
    },
    { name: 'working', kernel: run.kernel },
  );

// [what goes wrong, how many attempts the task takes, how often its code runs]. The kernel has no retries to give.
const FAULTS: readonly [string, FaultRule, number, number][] = [
  ['a 500 before execution', { fault: { kind: 'error' } }, 2, 1],
  ['a 500 after execution', { fault: { kind: 'error', execution: 'after' } }, 2, 2],
  ['a 502', { fault: { kind: 'error', code: 'EC2ThrottledException' } }, 2, 1],
  ['a refusal for load', { fault: { kind: 'error', code: 'TooManyRequestsException' } }, 1, 1],
  ['a burst of refusals', { fault: { kind: 'throttleBurst', forMs: 1500 } }, 1, 1],
  ['a cold start', { fault: { kind: 'coldStart', initMs: 500 } }, 1, 1],
  ['a slow answer', { fault: { kind: 'slow', latencyMs: 500, bytesPerSecond: 2000 } }, 1, 1],
  ['a connection cut during the upload', { fault: { kind: 'cut', where: 'upload' } }, 2, 1],
  ['a connection cut instead of the answer', { fault: { kind: 'cut', where: 'answer' } }, 2, 2],
  ['an answer that is cut', { fault: { kind: 'cut', where: 'body' } }, 2, 2],
  ['an environment killed at the end', { fault: { kind: 'killEnvironment', afterMs: 9_000 } }, 2, 2],
];

test.each(FAULTS)('a task under %s is done, by the budget of infrastructure', async (_, rule, expected, times) => {
  const { path, count } = runsOf();
  once({ operation: 'Invoke', ...rule });
  expect(await working()(path, 0)).toBe('done');
  expect(injected()).not.toEqual([0]);
  expect([attempts(), await count()]).toEqual([expected, times]);
});

test('a task whose environment is killed under it runs again', async () => {
  once({ fault: { kind: 'killEnvironment', afterMs: 200 } });
  expect(await working()(run.folder, 400)).toBe('done');
  expect(attempts()).toBe(2);
});

test('a task that is delivered twice has one result, and one attempt', async () => {
  const { path, count } = runsOf();
  once({ fault: { kind: 'duplicate' } });
  expect(await working()(path, 100)).toBe('done');
  expect(attempts()).toBe(1);
  await expect.poll(count, { timeout: 10_000 }).toBe(2);
});

test('a large result stays the one that was answered, whatever its second delivery comes to', async () => {
  const { kernel } = run;
  const random = app(async () => (await import('node:crypto')).randomBytes(5 * 2 ** 20), { name: 'random', kernel });
  const digest = app(
    async (bytes: Uint8Array) => (await import('node:crypto')).createHash('sha256').update(bytes).digest('hex'),
    { name: 'digest', kernel },
  );
  const store = createS3Store({ bucket: cloud.bucket });
  const results = async () => {
    let count = 0;
    for await (const _ of store.listAfter('sluice/')) count += 1;
    return count;
  };
  once({ fault: { kind: 'duplicate' } });
  const result = random();
  const answered = createHash('sha256')
    .update(await result)
    .digest('hex');
  await expect.poll(results, { timeout: 10_000 }).toBe(2);
  expect(await digest(result)).toBe(answered);
  await store.close();
});

test('an environment killed for its memory is the task’s own failure', async () => {
  once({ fault: { kind: 'outOfMemory' } });
  await expect(working()(run.folder, 5000)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', class: 'app' });
  expect(attempts()).toBe(1);
});

test('errors that never end are told after the budget, with what the service said', async () => {
  await run[Symbol.asyncDispose]();
  run = await lambdaRun({}, { infrastructureRetries: 2 });
  cloud.faults.set([{ operation: 'Invoke', fault: { kind: 'error', message: 'it is raining' } }]);
  await expect(working()(run.folder, 0)).rejects.toMatchObject({
    code: 'SERVICE_FAILED',
    class: 'infrastructure',
    message: expect.stringMatching(/invoking Lambda function 'sluice-worker' failed .*it is raining/),
  });
  expect(attempts()).toBe(3);
});

// 7 MiB of argument and of result go through the bucket, in two parts each.
const BYTES = 7 * 2 ** 20;

describe.each<[string, FaultRule]>([
  ['a 500 before', { fault: { kind: 'error' } }],
  ['a 500 after execution', { fault: { kind: 'error', execution: 'after' } }],
  ['SlowDown', { fault: { kind: 'error', code: 'SlowDown' } }],
  ['a cut upload', { fault: { kind: 'cut', where: 'upload' } }],
  ['a cut connection', { fault: { kind: 'cut', where: 'answer' } }],
  ['a cut body', { fault: { kind: 'cut', where: 'body' } }],
  [
    '200 with an error in it',
    { operation: 'CompleteMultipartUpload', every: 1, times: 1, fault: { kind: 'error', status: 200 } },
  ],
])('%s of every third request to S3', (_, rule) => {
  test('arguments and results that go through the bucket, inputs and outputs arrive whole', async () => {
    const { kernel } = run;
    const url = `s3://${cloud.bucket}`;
    const store = createS3Store({ bucket: cloud.bucket });
    await store.put('in.txt', Buffer.alloc(100_000, 'abc'));
    cloud.faults.set([{ service: 's3', every: 3, ...rule }]);
    const doubled = app((bytes: Uint8Array) => Buffer.concat([bytes, bytes]), { name: 'doubled', kernel });
    const copy = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'copy', kernel });
    const length = app(
      async (text: DataFile) => (await (await import('node:fs/promises')).readFile(text.path)).length,
      { name: 'length', kernel },
    );
    const copied = copy({ inputs: [file(`${url}/in.txt`)], outputs: [`${url}/out.txt`] });
    const bytes = new Uint8Array(BYTES).map((_, index) => index % 251);
    const [large, size] = await Promise.all([doubled(bytes), length(copied.outputs[0])]);
    expect(Buffer.from(large).equals(Buffer.concat([bytes, bytes]))).toBe(true);
    expect(size).toBe(100_000);
    expect(injected()[0]).toBeGreaterThan(0);
    cloud.faults.set([]);
    expect(Buffer.from(await store.get('out.txt')).equals(Buffer.alloc(100_000, 'abc'))).toBe(true);
    await store.deleteMany(['in.txt', 'out.txt']);
    await store.close();
  });
});
