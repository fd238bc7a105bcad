import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectsCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { LambdaExecutor } from '../../src/executors/lambda/lambda-executor.js';
import {
  app,
  bash,
  type DataFile,
  type DataFlowKernel,
  type Io,
  load,
  type RunEvent,
  ThreadPoolExecutor,
} from '../../src/index.js';
import { collectGarbage } from '../fixtures/kernel/collect-garbage.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { keysIn } from './bucket-cloud.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';

let cloud: DeployedCloud;
beforeAll(async () => {
  cloud = await startDeployedCloud();
});
afterAll(() => cloud.close());

let folder: string;
let kernel: DataFlowKernel;
const events: RunEvent[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-temp-'));
  events.length = 0;
  kernel = await load({
    executors: [
      new ThreadPoolExecutor({ label: 'here', maxThreads: 2 }),
      new LambdaExecutor({ label: 'far', bucket: cloud.bucket, maxConcurrency: 4 }),
    ],
    monitors: [{ record: (event) => void events.push(event), close: async () => {} }],
    asDefault: false,
    handleSignals: false,
    runDir: join(folder, 'runs'),
  });
});
// Whatever a run kept goes with it.
afterEach(async () => {
  await kernel.close({ onClose: 'cancel' });
  expect(await keysIn(cloud.bucket)).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

type Place = 'here' | 'far';

const writer = (executor: Place) =>
  app(
    async (text: string, io: Io) => {
      const { writeFile } = await import('node:fs/promises');
      for (const output of io.outputs) await writeFile(output.path, text);
    },
    { name: `write ${executor}`, kernel, io: true, executors: [executor] },
  );
const reader = (executor: Place) =>
  app(async (text: DataFile) => (await import('node:fs/promises')).readFile(text.path, 'utf8'), {
    name: `read ${executor}`,
    kernel,
    executors: [executor],
  });
const temporaryKeys = async () => (await keysIn(cloud.bucket)).filter((key) => key.includes('/temp/'));
const runsOf = (name: string) => events.filter((event) => event.kind === 'taskCreated' && event.app === name).length;

async function deleteTemporary(): Promise<void> {
  const s3 = new S3Client({ forcePathStyle: true });
  const Objects = (await temporaryKeys()).map((Key) => ({ Key }));
  await s3.send(new DeleteObjectsCommand({ Bucket: cloud.bucket, Delete: { Objects } }));
  s3.destroy();
}

test('goes from one invocation to the next through the bucket, and is freed there', async () => {
  const start = () => writer('far')('cloud', { outputs: ['temp:dir/a.txt'] }).outputs[0];
  expect(await reader('far')(start())).toBe('cloud');
  expect(await temporaryKeys()).toEqual([expect.stringMatching(/\/far\/temp\/0-1\/[0-9a-f]{16}\/a\.txt$/)]);
  await collectGarbage();
  await vi.waitFor(async () => expect(await temporaryKeys()).toEqual([]));
});

test('goes between this machine and Lambda, both ways, folders too', async () => {
  const up = writer('here')('up', { outputs: ['temp:up'] });
  const down = writer('far')('down', { outputs: ['temp:down'] });
  expect(await Promise.all([reader('far')(up.outputs[0]), reader('here')(down.outputs[0])])).toEqual(['up', 'down']);
  const fill = (executor: Place) =>
    bash((io) => io.sh`mkdir ${io.outputs[0]}/b && echo x > ${io.outputs[0]}/b/x`, {
      name: 'fill',
      kernel,
      executors: [executor],
    });
  const list = (executor: Place) =>
    app(async (folder: DataFile) => (await import('node:fs/promises')).readdir(folder.path, { recursive: true }), {
      name: 'list',
      kernel,
      executors: [executor],
    });
  const [there, back] = [fill('here')({ outputs: ['temp:there/'] }), fill('far')({ outputs: ['temp:back/'] })];
  const found = await Promise.all([list('far')(there.outputs[0]), list('here')(back.outputs[0])]);
  expect(found.map((names) => names.sort())).toEqual([
    ['b', 'b/x'],
    ['b', 'b/x'],
  ]);
  back.outputs[0].release();
  await vi.waitFor(async () => expect((await temporaryKeys()).filter((key) => key.endsWith('/x'))).toEqual([]));
});

test('is made again where its object is gone, once for all who need it', async () => {
  const made = writer('far')('again', { outputs: ['temp:a', 'temp:b'] });
  await made;
  await deleteTemporary();
  const reads = [reader('far')(made.outputs[0]), reader('here')(made.outputs[1]), reader('far')(made.outputs[1])];
  expect(await Promise.all(reads)).toEqual(['again', 'again', 'again']);
  expect(runsOf('write far')).toBe(2);
});

test('is made again where a file of this machine is gone before it was sent', async () => {
  const made = writer('here')('again', { outputs: ['temp:a'] });
  await made;
  await rm(join(kernel.runDir, 'temp'), { recursive: true });
  expect(await reader('far')(made.outputs[0])).toBe('again');
  expect(runsOf('write here')).toBe(2);
});

test('a task that is made of both finds both lost', async () => {
  const [a, b] = [writer('here')('a', { outputs: ['temp:a'] }), writer('far')('b', { outputs: ['temp:b'] })];
  const cat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'cat', kernel, executors: ['far'] });
  const both = cat({ inputs: [a.outputs[0], b.outputs[0]], outputs: ['temp:both'] });
  await both;
  await rm(join(kernel.runDir, 'temp'), { recursive: true });
  await deleteTemporary();
  expect(await reader('here')(both.outputs[0])).toBe('ab');
  expect([runsOf('write here'), runsOf('write far'), runsOf('cat')]).toEqual([2, 2, 2]);
});

test('files are staged by tasks of their own on Lambda, too', async () => {
  const created: string[] = [];
  const separate = await load({
    executors: [new LambdaExecutor({ label: 'far', bucket: cloud.bucket, maxConcurrency: 4 })],
    monitors: [
      { record: (event) => void (event.kind === 'taskCreated' && created.push(event.app)), close: async () => {} },
    ],
    separateStaging: { schemes: ['s3'] },
    asDefault: false,
    handleSignals: false,
    runDir: join(folder, 'separate'),
  });
  const s3 = new S3Client({ forcePathStyle: true });
  const at = (name: string) => `s3://${cloud.bucket}/mine/${name}`;
  try {
    await s3.send(new PutObjectCommand({ Bucket: cloud.bucket, Key: 'mine/in', Body: 'content' }));
    const twice = bash((io) => io.sh`cat ${io.inputs} ${io.inputs} > ${io.outputs[0]}`, {
      name: 'twice',
      kernel: separate,
    });
    const made = twice({ inputs: [at('in')], outputs: [at('out')] });
    await made.outputs[0];
    const object = await s3.send(new GetObjectCommand({ Bucket: cloud.bucket, Key: 'mine/out' }));
    expect(await object.Body?.transformToString()).toBe('contentcontent');
    expect(created.sort()).toEqual(['stage-in', 'stage-out', 'twice']);
  } finally {
    await separate.close();
    const Objects = ['mine/in', 'mine/out'].map((Key) => ({ Key }));
    await s3.send(new DeleteObjectsCommand({ Bucket: cloud.bucket, Delete: { Objects } }));
    s3.destroy();
  }
});

test('an executor without a bucket has no place for it', async () => {
  const alone = await load({
    executors: [new LambdaExecutor({ label: 'far' })],
    asDefault: false,
    handleSignals: false,
    runDir: join(folder, 'alone'),
  });
  try {
    const make = app((_: Io) => 1, { name: 'make', kernel: alone, io: true });
    const error = await failureOf<Error & { code: string }>(make({ outputs: ['temp:a'] }));
    expect(error.code).toBe('FILE_NOT_REACHABLE');
    expect(error.message).toMatch(/no place for temp:a .* give LambdaExecutor a bucket/);
  } finally {
    await alone.close();
  }
});
