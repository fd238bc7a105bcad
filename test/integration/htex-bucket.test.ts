import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  app,
  apps,
  bash,
  type DataFile,
  file,
  HighThroughputExecutor,
  type Io,
  load,
  MpiExecutor,
  type SluiceError,
  ThreadPoolExecutor,
} from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type * as tasks from '../fixtures/code-shipping/tasks.js';
import { packageFiles, temporaryProject } from '../fixtures/code-shipping/temporary-project.js';
import { bucketRun } from '../fixtures/htex/bucket-run.js';
import { canHideFolders, elsewhere } from '../fixtures/htex/elsewhere.js';
import { htexRun } from '../fixtures/htex/htex-run.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { type BucketCloud, keysIn, startBucketCloud } from './bucket-cloud.js';

const isHidden = canHideFolders();
const MIB = 2 ** 20;
const TASKS = new URL('../fixtures/code-shipping/tasks.js', import.meta.url);

let cloud: BucketCloud;
beforeAll(async () => {
  cloud = await startBucketCloud();
});
afterAll(() => cloud.close());
// Whatever a run put there goes with it.
afterEach(async () => {
  cloud.faults.set([]);
  expect(await keysIn(cloud.bucket)).toEqual([]);
});

const keysWith = async (part: string) => (await keysIn(cloud.bucket)).filter((key) => key.includes(part));

describe('workers that see nothing of the client’s disk, with a bucket', () => {
  test.skipIf(!isHidden)('really see nothing of it', async () => {
    await using run = await bucketRun();
    const look = app(
      async (folder: string) => {
        const { readdir } = await import('node:fs/promises');
        const { tmpdir } = await import('node:os');
        return { client: await readdir(folder), cwd: process.cwd(), tmp: tmpdir() };
      },
      { name: 'look', kernel: run.kernel },
    );
    const { client, node } = run.place;
    expect(await look(client)).toEqual({ client: [], cwd: node, tmp: join(node, 'tmp') });
  });

  test('local files go through it: inputs, outputs, and the streams of commands and functions', async () => {
    await using run = await bucketRun();
    const { kernel, place } = run;
    const at = (name: string) => join(place.client, name);
    await writeFile(at('in.txt'), 'b\na\n');
    const sorted = bash((io) => io.sh`sort ${io.inputs} | tee ${io.outputs[0]}; echo careful >&2`, {
      name: 'sorted',
      kernel,
    });
    const call = sorted({
      inputs: [at('in.txt')],
      outputs: [at('out.txt')],
      stdout: at('said.txt'),
      stderr: at('warned.txt'),
    });
    const count = app(
      async (text: DataFile, io: Io) => {
        const { readFile } = await import('node:fs/promises');
        console.log('counting');
        return { length: (await readFile(text.path, 'utf8')).length, path: text.path, scratch: io.scratch };
      },
      { name: 'count', kernel, io: true },
    );
    const counted = await count(call.outputs[0], { stdout: at('counted.txt') });
    expect(counted).toMatchObject({
      length: 4,
      path: expect.stringContaining(place.node),
      scratch: expect.stringContaining(place.node),
    });
    const texts = ['out.txt', 'said.txt', 'warned.txt', 'counted.txt'].map((name) => readFile(at(name), 'utf8'));
    expect(await Promise.all(texts)).toEqual(['a\nb\n', 'a\nb\n', 'careful\n', 'counting\n']);
    expect(await keysWith('/outputs/')).toEqual([]);
  });

  test('what a failed command wrote to its streams comes back, its outputs do not', async () => {
    await using run = await bucketRun();
    const at = (name: string) => join(run.place.client, name);
    const failing = bash((io) => io.sh`echo so far; echo so bad >&2; echo half > ${io.outputs[0]}; exit 3`, {
      name: 'failing',
      kernel: run.kernel,
    });
    const call = failing({ outputs: [at('out.txt')], stdout: at('said.txt'), stderr: at('warned.txt') });
    expect(await failureOf(call)).toMatchObject({ exitCode: 3 });
    expect([await readFile(at('said.txt'), 'utf8'), await readFile(at('warned.txt'), 'utf8')]).toEqual([
      'so far\n',
      'so bad\n',
    ]);
    await expect(access(at('out.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('large values go by reference, both ways and from task to task, and through no message', async () => {
    // A message of such a size is refused.
    await using run = await bucketRun({ maxMessageBytes: MIB, spillBytes: 64 * 1024 });
    const { kernel } = run;
    const twice = app((bytes: Uint8Array) => Buffer.concat([bytes, bytes]), { name: 'twice', kernel });
    const measured = app((bytes: Uint8Array) => ({ length: bytes.length, last: bytes.at(-1) }), { name: 'm', kernel });
    const bytes = new Uint8Array(3 * MIB).map((_, index) => index % 251);
    const doubled = twice(bytes);
    expect(await measured(doubled)).toEqual({ length: 6 * MIB, last: bytes.at(-1) });
    expect(Buffer.from(await doubled).equals(Buffer.concat([bytes, bytes]))).toBe(true);
    expect(await keysWith('/htex/values/')).toHaveLength(1);
    // A call's own arguments go once it is over.
    await vi.waitFor(async () => expect(await keysWith('/htex/calls/')).toEqual([]));
  });

  test('large code lies there once for the whole run', async () => {
    await using project = await temporaryProject({
      ...packageFiles('large', `export const large = '${'x'.repeat(2 * MIB)}';`),
      'flow.mjs': `export const large = (app, options) => app(async () => (await import('large')).large.length, options);`,
    });
    await using run = await bucketRun({ maxMessageBytes: MIB });
    const { kernel } = run;
    const flow = await import(/* @vite-ignore */ project.url('flow.mjs'));
    const [large, again] = ['large', 'again'].map((name) => flow.large(app, { name, kernel }));
    expect(await Promise.all([large(), large(), again()])).toEqual(Array(3).fill(2 * MIB));
    expect(await keysWith('/code/')).toHaveLength(1);
    const { shout } = apps<typeof tasks>(TASKS, { kernel, exports: { place: { io: true } } });
    expect(await shout('hey')).toBe('HEY!');
  });

  test('values of other executors come through it, wherever those left them', async () => {
    await using place = await elsewhere();
    const common = { maxWorkersPerNode: 1, spillBytes: 64 * 1024 };
    await using kernel = await load({
      executors: [
        new ThreadPoolExecutor({ label: 'threads', maxThreads: 1 }),
        new HighThroughputExecutor({ ...common, label: 'near', provider: new LocalProvider() }),
        new HighThroughputExecutor({ ...common, label: 'far', provider: place.provider(), bucket: 'my-bucket' }),
      ],
      asDefault: false,
      handleSignals: false,
      runDir: place.client,
    });
    const large = (label: string) => app(() => 'x'.repeat(200_000), { name: 'large', executors: [label], kernel })();
    const length = app((...texts: string[]) => texts.map((text) => text.length), {
      name: 'length',
      executors: ['far'],
      kernel,
    });
    const [byThread, onDisk, inBucket] = [large('threads'), large('near'), large('far')];
    const lengths = await Promise.all([1, 2, 3].map(() => length(byThread, onDisk, inBucket)));
    expect(lengths).toEqual(Array(3).fill([200_000, 200_000, 200_000]));
    expect(await keysWith('/far/values/client/')).toHaveLength(1);
    const back = app((text: string) => text.length, { name: 'back', executors: ['threads'], kernel });
    expect(await back(inBucket)).toBe(200_000);
  });

  test('the region of the executor is that of its bucket on workers, too', async () => {
    const region = process.env.AWS_REGION;
    delete process.env.AWS_REGION;
    try {
      await using run = await bucketRun({ region: 'us-east-1' });
      const input = join(run.place.client, 'in.txt');
      await writeFile(input, 'hello');
      const read = app(async (text: DataFile) => (await import('node:fs/promises')).readFile(text.path, 'utf8'), {
        name: 'read',
        kernel: run.kernel,
      });
      const large = app((bytes: number) => new Uint8Array(bytes), { name: 'large', kernel: run.kernel });
      expect([await read(file(input)), (await large(MIB)).length]).toEqual(['hello', MIB]);
    } finally {
      process.env.AWS_REGION = region;
    }
  });

  test('everything goes at the close, that of tasks under way too', async () => {
    const run = await bucketRun({}, {}, { onClose: 'cancel', graceMs: 0 });
    const { kernel, place } = run;
    await writeFile(join(place.client, 'in.txt'), 'hello');
    const hang = app(async (_: Uint8Array, _file: DataFile) => new Promise<never>(() => {}), { name: 'hang', kernel });
    const large = app((bytes: number) => new Uint8Array(bytes), { name: 'large', kernel });
    await large(MIB);
    const hanging = failureOf(hang(new Uint8Array(MIB), file(join(place.client, 'in.txt'))));
    await vi.waitFor(async () => expect((await keysIn(cloud.bucket)).length).toBe(3), { timeout: 20_000 });
    await run[Symbol.asyncDispose]();
    expect(await hanging).toMatchObject({ code: 'CANCELLED' });
    expect(await keysIn(cloud.bucket)).toEqual([]);
  });

  test('what is not there, or may not be read, is told as what it is', async () => {
    const missing = await failureOf<SluiceError>(bucketRun({ bucket: 'missing' }));
    expect(missing).toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(/s3:\/\/missing/) });
    await using run = await bucketRun({}, { workerInit: 'export AWS_SECRET_ACCESS_KEY=wrong' });
    const { kernel, place } = run;
    const read = app((text: DataFile) => text.path, { name: 'read', kernel });
    expect(await failureOf(read(file(join(place.client, 'none.txt'))))).toMatchObject({ code: 'NOT_FOUND' });
    await writeFile(join(place.client, 'in.txt'), 'hello');
    expect(await failureOf(read(file(join(place.client, 'in.txt'))))).toMatchObject({ code: 'ACCESS_DENIED' });
    const large = app((bytes: number) => new Uint8Array(bytes), { name: 'large', kernel });
    expect(await failureOf(large(MIB))).toMatchObject({ code: 'ACCESS_DENIED', class: 'usage' });
    expect(kernel.stats().byExecutor.htex?.attempts).toBe(3);
  });

  test('a transfer that fails for good costs an attempt of infrastructure, and the next one succeeds', async () => {
    await using run = await bucketRun();
    const { kernel, place } = run;
    const copy = bash((io) => io.sh`cat ${io.inputs[0]} > ${io.outputs[0]}`, { name: 'copy', kernel });
    await writeFile(join(place.client, 'in.txt'), 'hello');
    const paths = { inputs: [join(place.client, 'in.txt')], outputs: [join(place.client, 'out.txt')] };
    for (const [part, operation] of [
      ['files', 'PutObject'],
      ['outputs', 'PutObject'],
      ['outputs', 'GetObject'],
    ]) {
      const before = kernel.stats().byExecutor.htex?.attempts ?? 0;
      const keyPrefix = `sluice/${kernel.runId}/htex/${part}/`;
      // As often as the store tries by itself.
      cloud.faults.set([{ operation: operation as string, keyPrefix, times: 8, fault: { kind: 'error' } }]);
      await writeFile(paths.inputs[0] as string, `hello ${part} ${operation}`);
      await copy(paths);
      expect(await readFile(paths.outputs[0] as string, 'utf8')).toBe(`hello ${part} ${operation}`);
      expect(kernel.stats().byExecutor.htex?.attempts).toBeGreaterThan(before + 1);
    }
  });
});

test('MPI applications get files and values through it as well', async () => {
  await using place = await elsewhere();
  const provider = place.provider();
  await using kernel = await load({
    executors: [new MpiExecutor({ provider, mpiLauncher: 'srun', bucket: 'my-bucket', spillBytes: 64 * 1024 })],
    asDefault: false,
    handleSignals: false,
    runDir: place.client,
  });
  await writeFile(join(place.client, 'in.txt'), 'hello');
  const copy = bash((io) => io.sh`test "$SLUICE_NUM_RANKS" = 2 && cat ${io.inputs[0]} > ${io.outputs[0]}`, {
    name: 'copy',
    kernel,
  });
  const resources = { nodes: 1, ranks: 2 };
  const paths = { inputs: [join(place.client, 'in.txt')], outputs: [join(place.client, 'out.txt')] };
  await copy({ ...paths, resources });
  expect(await readFile(join(place.client, 'out.txt'), 'utf8')).toBe('hello');
  const echo = app((bytes: Uint8Array) => bytes, { name: 'echo', kernel });
  expect((await echo.with({ resources })(new Uint8Array(MIB))).length).toBe(MIB);
});

test('where the disk is shared, a bucket is not touched', async () => {
  await using run = await htexRun({ bucket: 'missing', spillBytes: 64 * 1024 });
  const echo = app((bytes: Uint8Array) => bytes, { name: 'echo', kernel: run.kernel });
  expect((await echo(new Uint8Array(MIB))).length).toBe(MIB);
});
