import { appendFile, chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  app,
  bash,
  type CacheOptions,
  type Config,
  type DataFile,
  type Executor,
  file,
  HighThroughputExecutor,
  type Io,
  load,
  type RunEvent,
  ThreadPoolExecutor,
} from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import { LocalProvider } from 'sluice/hpc';
import { afterEach, describe, expect, test } from 'vitest';
import { createBackends } from '../../src/worker/backends.js';
import { asNobody } from '../fixtures/cache/cache-place.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';

const MIB = 2 ** 20;
let cloud: DeployedCloud | undefined;
let folder: string | undefined;

afterEach(async () => {
  await cloud?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  cloud = undefined;
  folder = undefined;
});

/** A cloud with one large object, and a folder for a run and its cache. */
async function place(size: number) {
  cloud = await startDeployedCloud();
  folder = await mkdtemp(join(tmpdir(), 'sluice-node-'));
  await chmod(folder, 0o777);
  const backends = createBackends();
  const content = Buffer.alloc(size, 'some content ');
  await backends
    .store('s3://my-bucket')
    .putParts('large', size, async ({ start, end }) => content.subarray(start, end + 1));
  await backends.close();
  const counted = {
    name: 'gets',
    operation: 'GetObject',
    keyPrefix: 'large',
    probability: 0,
    fault: { kind: 'error' },
  };
  const { faults } = cloud;
  faults.set([counted as never]);
  const [runDir, directory] = [join(folder, 'runs'), join(folder, 'cache')];
  return {
    directory,
    gets: () => faults.counts()[0]?.matched ?? 0,
    /** Requests that one download takes. */
    getsOfOne: Math.ceil(size / (8 * MIB)),
    run: (executor: Executor, cache: CacheOptions | false = { directory }, config: Config = {}) =>
      load({ executors: [executor], asDefault: false, handleSignals: false, runDir, cache, ...config }),
  };
}

const sizeOf = async (input: DataFile): Promise<readonly [size: number, inode: number, pid: number]> => {
  const { stat } = await import('node:fs/promises');
  const { size, ino } = await stat(input.path);
  return [size, ino, process.pid];
};

describe('tasks of one node that have an input in common', () => {
  test('64 of them on threads fetch 64 MiB once, and all of them have it', async () => {
    await asNobody(async () => {
      const { run, gets, getsOfOne, directory } = await place(64 * MIB);
      const kernel = await run(new ThreadPoolExecutor({ maxThreads: 8 }), { directory, maxBytes: 100 * MIB });
      try {
        const measure = app(sizeOf, { name: 'measure', kernel });
        const sizes = await Promise.all(Array.from({ length: 64 }, () => measure(file('s3://my-bucket/large'))));
        expect(sizes.map(([size]) => size)).toEqual(Array.from({ length: 64 }, () => 64 * MIB));
        expect(new Set(sizes.map(([, inode]) => inode)).size).toBe(1);
        expect(gets()).toBe(getsOfOne);
        expect(kernel.stats().byExecutor.threads).toMatchObject({
          cacheHits: 63,
          cacheMisses: 1,
          cacheHitBytes: 63 * 64 * MIB,
        });
      } finally {
        await kernel.close();
        await cloud?.close();
        cloud = undefined;
        await rm(folder ?? '', { recursive: true, force: true, maxRetries: 5 });
      }
    });
  });

  test('on pilots they share it, from one worker process to the other, and from one run to the next', async () => {
    const { run, gets, getsOfOne } = await place(16 * MIB);
    for (const hits of [15, 16]) {
      const kernel = await run(new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: 4 }));
      const measure = app(sizeOf, { name: 'measure', kernel });
      const sizes = await Promise.all(Array.from({ length: 16 }, () => measure(file('s3://my-bucket/large'))));
      expect(sizes.map(([size]) => size)).toEqual(Array.from({ length: 16 }, () => 16 * MIB));
      expect(gets()).toBe(getsOfOne);
      expect(kernel.stats().byExecutor.htex).toMatchObject({ cacheHits: hits, cacheMisses: 16 - hits });
      await kernel.close();
    }
  });

  test('on Lambda they share it where they run in one environment', async () => {
    const { run } = await place(16 * MIB);
    // A directory of nodes elsewhere is none that Lambda has.
    const kernel = await run(new LambdaExecutor({ maxConcurrency: 1 }), { directory: '/local/scratch' });
    const measure = app(sizeOf, { name: 'measure', kernel });
    const input = file('s3://my-bucket/large');
    const environments = new Set<number>();
    for (const walltimeMs of [undefined, undefined, 20_000, undefined, undefined, 20_000]) {
      const [size, , environment] = await (walltimeMs === undefined
        ? measure(input)
        : measure.with({ walltimeMs })(input));
      expect(size).toBe(16 * MIB);
      environments.add(environment);
    }
    const misses = environments.size;
    expect(misses).toBeLessThan(6);
    expect(kernel.stats().byExecutor.lambda).toMatchObject({ cacheHits: 6 - misses, cacheMisses: misses });
    await kernel.close();
  });

  test('they fetch it each for itself where the config wants no cache, or it does not fit', async () => {
    const { run, gets, directory } = await place(MIB);
    for (const cache of [false, { directory, maxBytes: MIB / 2 }] as const) {
      const before = gets();
      const kernel = await run(new ThreadPoolExecutor({ maxThreads: 2 }), cache);
      const measure = app(sizeOf, { name: 'measure', kernel });
      await Promise.all([0, 1, 2].map(() => measure(file('s3://my-bucket/large'))));
      expect(gets() - before).toBe(3);
      await kernel.close();
    }
  });
});

test.each(['cp', 'mv'])('an app may %s its input to its output, which can be written to then', async (command) => {
  await asNobody(async () => {
    const { run } = await place(MIB);
    const kernel = await run(new ThreadPoolExecutor({ maxThreads: 1 }));
    const pass = bash((verb: string, input: DataFile, io: Io) => io.sh`${verb} ${input} ${io.outputs[0]}`, {
      name: 'pass',
      kernel,
    });
    const output = join(folder ?? '', 'passed');
    await pass(command, file('s3://my-bucket/large'), { outputs: [output] });
    await appendFile(output, 'more');
    const measure = app(sizeOf, { name: 'measure', kernel });
    expect((await measure(file('s3://my-bucket/large')))[0]).toBe(MIB);
    expect(kernel.stats().byExecutor.threads).toMatchObject({ cacheHits: 1, cacheMisses: 1 });
    await kernel.close();
    await cloud?.close();
    cloud = undefined;
    await rm(folder ?? '', { recursive: true, force: true, maxRetries: 5 });
  });
});

test('a task that writes to what it shares is named in a warning of the client', async () => {
  await asNobody(async () => {
    const { run } = await place(MIB);
    const events: RunEvent[] = [];
    const warnings: string[] = [];
    const onWarning = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', onWarning);
    const monitors = [{ record: (event: RunEvent) => void events.push(event), close: async () => {} }];
    const kernel = await run(new ThreadPoolExecutor({ maxThreads: 1 }), undefined, { monitors });
    const spoil = app(
      async (input: DataFile) => {
        const { chmod, appendFile } = await import('node:fs/promises');
        await chmod(input.path, 0o644);
        await appendFile(input.path, 'more');
      },
      { name: 'spoil', kernel },
    );
    const measure = app(sizeOf, { name: 'measure', kernel });
    await spoil(file('s3://my-bucket/large'));
    expect((await measure(file('s3://my-bucket/large')))[0]).toBe(MIB);
    await kernel.close();
    process.off('warning', onWarning);
    const text = `attempt 1 of task 0 'spoil' (run ${kernel.runId}) changed its input s3://my-bucket/large: other tasks of this node get it anew`;
    expect(warnings).toEqual([text]);
    const usages = events.flatMap((event) => (event.kind === 'attemptEnded' ? [event.usage?.inputs] : []));
    expect(usages).toEqual([
      { hits: 0, misses: 1, hitBytes: 0, missBytes: MIB, evictions: 0, changed: [text] },
      { hits: 0, misses: 1, hitBytes: 0, missBytes: MIB, evictions: 0 },
    ]);
    await cloud?.close();
    cloud = undefined;
    await rm(folder ?? '', { recursive: true, force: true, maxRetries: 5 });
  });
});
