import { join } from 'node:path';
import { DeleteObjectsCommand, S3Client } from '@aws-sdk/client-s3';
import { app, bash, type DataFile, type HighThroughputOptions, type ManagerSelection } from 'sluice';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bucketRun } from '../fixtures/htex/bucket-run.js';
import { type HtexRun, htexRun } from '../fixtures/htex/htex-run.js';
import { type BucketCloud, keysIn, startBucketCloud } from './bucket-cloud.js';

const TWO_BLOCKS = { initBlocks: 2, minBlocks: 2, maxBlocks: 2 };
const OPTIONS: Partial<HighThroughputOptions> = {
  managerSelection: 'near',
  spillBytes: 64 * 1024,
  heartbeatMs: 500,
  heartbeatThresholdMs: 3_000,
};

/** Two managers, and apps that make and read what is large. */
async function place(run: HtexRun) {
  const { executor, kernel } = run;
  await vi.waitFor(async () => expect(await executor.managers()).toHaveLength(2), { timeout: 20_000 });
  const [a, b] = (await executor.managers()).map(({ id }) => id) as [string, string];
  const make = app((size: number) => ({ on: process.env.SLUICE_WORKER_POOL_ID ?? '', text: 'x'.repeat(size) }), {
    name: 'make',
    kernel,
  });
  const read = app(
    (...made: { on: string; text: string }[]) => ({
      on: process.env.SLUICE_WORKER_POOL_ID,
      lengths: made.map(({ text }) => text.length),
    }),
    { name: 'read', kernel },
  );
  /** Lets nobody but one manager have the tasks that are submitted meanwhile. */
  const onlyOn = async <T>(manager: string, work: () => Promise<T>): Promise<T> => {
    const other = manager === a ? b : a;
    await executor.hold({ manager: other });
    try {
      return await work();
    } finally {
      await executor.release({ manager: other });
    }
  };
  /** A future, in an array: by itself it would be awaited here, and its value passed on. */
  const madeOn = (manager: string, size: number) =>
    onlyOn(manager, async () => {
      const made = make(size);
      expect((await made).on).toBe(manager);
      return [made] as const;
    });
  return { a, b, read, madeOn, onlyOn };
}

describe.each([
  ['on a shared disk', (options: Partial<HighThroughputOptions>) => htexRun(options, TWO_BLOCKS)],
  ['with a bucket', (options: Partial<HighThroughputOptions>) => bucketRun(options, TWO_BLOCKS)],
])('near, %s', (_, start) => {
  let cloud: BucketCloud;
  beforeAll(async () => {
    cloud = await startBucketCloud();
  });
  afterAll(() => cloud.close());

  test('a task goes to the manager on whose node its large inputs were made', async () => {
    await using run = await start(OPTIONS);
    const { a, b, read, madeOn } = await place(run);
    const [onA] = await madeOn(a, 100_000);
    const [onB] = await madeOn(b, 100_000);
    const [largerOnB] = await madeOn(b, 200_000);
    for (let turn = 0; turn < 3; turn++) {
      expect((await read(onA)).on).toBe(a);
      expect((await read(onB)).on).toBe(b);
      expect(await read(onA, largerOnB)).toEqual({ on: b, lengths: [100_000, 200_000] });
    }
  });

  test('and elsewhere while that one takes none, or is gone', async () => {
    await using run = await start(OPTIONS);
    const { a, b, read, madeOn, onlyOn } = await place(run);
    const [onA] = await madeOn(a, 100_000);
    expect((await onlyOn(b, async () => read(onA))).on).toBe(b);
    const { pid } = (await run.executor.managers()).find(({ id }) => id === a) ?? {};
    process.kill(pid as number, 'SIGKILL');
    expect((await read(onA)).lengths).toEqual([100_000]);
  });

  test('files count as well', async () => {
    await using run = await start(OPTIONS);
    const { a, b, onlyOn } = await place(run);
    const write = bash((io) => io.sh`echo $SLUICE_WORKER_POOL_ID > ${io.outputs[0]}`, {
      name: 'write',
      kernel: run.kernel,
    });
    const where = app(
      async (text: DataFile) => {
        const { readFile } = await import('node:fs/promises');
        return [(await readFile(text.path, 'utf8')).trim(), process.env.SLUICE_WORKER_POOL_ID];
      },
      { name: 'where', kernel: run.kernel },
    );
    for (const manager of [b, a, b]) {
      const [written] = await onlyOn(manager, async () => {
        const call = write({ outputs: [join(run.kernel.runDir, `on-${manager}.txt`)] });
        await call;
        return [call] as const;
      });
      expect(await where(written.outputs[0])).toEqual([manager, manager]);
    }
  });
});

test('what is kept on a node need not be fetched there', async () => {
  const cloud = await startBucketCloud();
  try {
    await using run = await bucketRun(OPTIONS, TWO_BLOCKS);
    const { a, b, read, madeOn, onlyOn } = await place(run);
    const [onA] = await madeOn(a, 100_000);
    const Objects = (await keysIn(cloud.bucket)).filter((key) => key.includes('/values/')).map((Key) => ({ Key }));
    expect(Objects).toHaveLength(1);
    const s3 = new S3Client({ forcePathStyle: true });
    await s3.send(new DeleteObjectsCommand({ Bucket: cloud.bucket, Delete: { Objects } }));
    s3.destroy();
    expect(await read(onA)).toEqual({ on: a, lengths: [100_000] });
    await expect(onlyOn(b, async () => read(onA))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  } finally {
    await cloud.close();
  }
});

test('a selector of one’s own is told as well', async () => {
  const source = `export const far = {
    choose: (candidates, needs) => candidates.find(({ id }) => !needs?.near?.includes(id)) ?? candidates[0],
  };`;
  const module = `data:text/javascript,${encodeURIComponent(source)}`;
  const managerSelection: ManagerSelection = { module, export: 'far' };
  await using run = await htexRun({ ...OPTIONS, managerSelection }, TWO_BLOCKS);
  const { a, b, read, madeOn } = await place(run);
  const [onA] = await madeOn(a, 100_000);
  expect((await read(onA)).on).toBe(b);
  const [onB] = await madeOn(b, 100_000);
  expect((await read(onB)).on).toBe(a);
});
