import { existsSync } from 'node:fs';
import { app, type SluiceError, ThreadPoolExecutor } from 'sluice';
import { expect, test, vi } from 'vitest';
import { callOf } from '../../../../src/conformance/executor/calls.js';
import type { Outcome } from '../../../../src/wire/outcome.js';
import type { TaskEnvelope } from '../../../../src/wire/task-envelope.js';
import { thrownBy } from '../../../fixtures/kernel/failure-of.js';
import { temporaryRun } from '../../../fixtures/kernel/temporary-run.js';

test('all wrong options are named at once', () => {
  const options = { label: '', maxThreads: 0, maxHeapMiB: -1, threads: 4 };
  const error = thrownBy<SluiceError>(() => new ThreadPoolExecutor(options));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  for (const key of ['ThreadPoolExecutor', 'label', 'maxThreads', 'maxHeapMiB', 'threads']) {
    expect(error.message).toContain(key);
  }
});

test('as many tasks run at once as there are threads, and no more', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 3 })], asDefault: false });
  // Each waits until it has seen two others; a fourth would be seen as well.
  const meet = app(
    async (folder: string, name: string, others: number) => {
      const { mkdirSync, readdirSync, rmSync } = await import('node:fs');
      mkdirSync(folder, { recursive: true });
      mkdirSync(`${folder}/${name}`);
      let seen = 0;
      for (const until = Date.now() + 10_000; seen < others && Date.now() < until; ) {
        seen = Math.max(seen, readdirSync(folder).length);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
      seen = Math.max(seen, readdirSync(folder).length);
      rmSync(`${folder}/${name}`, { recursive: true });
      return seen;
    },
    { name: 'meet', kernel: run.kernel },
  );
  const seen = await Promise.all(['a', 'b', 'c'].map((name) => meet(`${run.folder}/meet`, name, 3)));
  expect(seen).toEqual([3, 3, 3]);
  const crowd = await Promise.all([1, 2, 3, 4, 5, 6].map((name) => meet(`${run.folder}/crowd`, `${name}`, 1)));
  expect(Math.max(...crowd)).toBeLessThanOrEqual(3);
});

test('waiting tasks run by priority, then in the order of their calls', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const log = app(
    async (path: string, name: string) => {
      const { appendFile } = await import('node:fs/promises');
      await appendFile(path, name);
    },
    { name: 'log', kernel: run.kernel },
  );
  const path = `${run.folder}/order`;
  const calls = [
    log(path, '1'),
    log.with({ priority: 5 })(path, '6'),
    log(path, '4'),
    log.with({ priority: -1 })(path, '2'),
    log(path, '5'),
    log.with({ priority: -1 })(path, '3'),
  ];
  await Promise.all(calls);
  const { readFile } = await import('node:fs/promises');
  expect(await readFile(path, 'utf8')).toBe('123456');
});

test('an envelope is made when its turn has come; one that cannot be made fails alone', async () => {
  const pool = new ThreadPoolExecutor({ maxThreads: 1 });
  await using _run = await temporaryRun({ executors: [pool], asDefault: false });
  const made: number[] = [];
  const dispatched = (index: number, envelope: () => TaskEnvelope) =>
    new Promise<Outcome>((onOutcome, onFailure) => {
      pool.dispatch({
        envelope: () => {
          made.push(index);
          return envelope();
        },
        priority: undefined,
        onOutcome,
        onFailure,
      });
    });
  const call = callOf(() => 1, []);
  const first = dispatched(0, () => call);
  const failed = dispatched(1, () => {
    throw new RangeError('no envelope');
  });
  const last = dispatched(2, () => call);
  expect(made).toEqual([0]);
  await expect(failed).rejects.toThrow(new RangeError('no envelope'));
  expect([(await first).kind, (await last).kind]).toEqual(['value', 'value']);
  expect(made).toEqual([0, 1, 2]);
  expect(pool.load().outstanding).toBe(0);
});

test('a batch that ends while another is answered waits for it', async () => {
  const pool = new ThreadPoolExecutor({ maxThreads: 2 });
  await using _run = await temporaryRun({ executors: [pool], asDefault: false });
  const call = callOf(() => 1, []);
  const [tasks, atOnce] = [20_000, 1_000];
  let [sent, depth, deepest] = [0, 0, 0];
  await new Promise<void>((resolve, reject) => {
    const onOutcome = (): void => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      // As a map does: each answer leads to a call.
      if (sent < tasks) send();
      else if (pool.load().outstanding === 0) resolve();
      depth -= 1;
    };
    const attempt = { envelope: () => call, priority: undefined, onOutcome, onFailure: reject };
    const send = (): void => {
      sent += 1;
      pool.dispatch(attempt);
    };
    for (let first = 0; first < atOnce; first++) send();
  });
  expect(deepest).toBe(1);
});

test('closing ends what runs when the grace is over, and says that the pool is not running', async () => {
  const pool = new ThreadPoolExecutor({ maxThreads: 1 });
  await using run = await temporaryRun({ executors: [pool], infrastructureRetries: 0, asDefault: false });
  const loop = app(
    () => {
      for (;;);
    },
    { name: 'loop', kernel: run.kernel },
  );
  const future = loop();
  const failed = expect(future).rejects.toMatchObject({ code: 'WORKER_LOST', class: 'infrastructure' });
  await Promise.all([pool.close({ graceMs: 50 }), pool.close({ graceMs: 50 })]);
  await failed;
  await expect(loop()).rejects.toThrow("executor 'threads' is not running");
});

test('closing lets what runs finish within the grace', async () => {
  const pool = new ThreadPoolExecutor({ maxThreads: 1 });
  await using run = await temporaryRun({ executors: [pool], asDefault: false });
  const slow = app((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)), {
    name: 'slow',
    kernel: run.kernel,
  });
  const future = slow(100);
  await pool.close({ graceMs: 10_000 });
  expect(await future).toBe(100);
});

test('a pool that was never started closes', async () => {
  await new ThreadPoolExecutor().close({ graceMs: 0 });
});

test('tasks aborted while their thread starts do not keep others from running', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 2 })], asDefault: false });
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  for (let round = 0; round < 3; round++) {
    const futures = Array.from({ length: 5 }, () => one());
    run.kernel.cancelAll();
    await Promise.allSettled(futures);
  }
  expect(await one()).toBe(1);
});

test('usage says how long the code ran, and where', async () => {
  const record = vi.fn();
  const monitors = [{ record, close: async () => {} }];
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor()], monitors, asDefault: false });
  const slow = app((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), {
    name: 's',
    kernel: run.kernel,
  });
  await slow(30);
  const { usage } = record.mock.calls.map(([event]) => event).find(({ kind }) => kind === 'attemptEnded');
  expect(usage.runMs).toBeGreaterThan(25);
  expect(usage.where).not.toBe('');
});

test('what a cancelled function left in its scratch folder goes at the close', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const writes = app(
    async (io) => {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(`${io.scratch}/x`, '');
      await writeFile(io.outputs[0]?.path ?? '', io.scratch);
      for (;;);
    },
    { name: 'writes', io: true, walltimeMs: 200, kernel: run.kernel },
  );
  await expect(writes({ outputs: [`${run.folder}/never`] })).rejects.toMatchObject({ code: 'WALLTIME' });
  await run.kernel.close();
  expect(existsSync(`${run.kernel.runDir}/scratch/threads`)).toBe(false);
});
