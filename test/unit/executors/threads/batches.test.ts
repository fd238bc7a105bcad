import { app, type RunEvent, ThreadPoolExecutor } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';
import { temporaryRun } from '../../../fixtures/kernel/temporary-run.js';

type Step = 'quick' | 'spin' | 'exit' | 'throw' | 'large' | 'file' | 'forever';
const QUICK_FIRST = 300;

/** A kernel whose tasks are known to be quick, so that they travel together; infrastructure failures are not repeated. */
async function batchingRun(maxThreads: number) {
  const events: RunEvent[] = [];
  const run = await temporaryRun({
    executors: [new ThreadPoolExecutor({ maxThreads })],
    infrastructureRetries: 0,
    asDefault: false,
    monitors: [{ record: (event) => void events.push(event), close: async () => {} }],
  });
  const step = app(
    async (kind: Step, id: number) => {
      const { threadId } = await import('node:worker_threads');
      if (kind === 'exit') process.exit(3);
      if (kind === 'throw') throw new RangeError(`no ${id}`);
      if (kind === 'large') return { id, threadId, filling: 'x'.repeat(100_000) };
      if (kind === 'spin') for (const endMs = Date.now() + 300; Date.now() < endMs; );
      if (kind === 'forever') for (;;);
      return { id, threadId, filling: '' };
    },
    { name: 'step', kernel: run.kernel },
  );
  await Promise.all(Array.from({ length: QUICK_FIRST }, (_, id) => step('quick', id)));
  const attemptsOf = (taskId: number) =>
    events.filter((event) => event.kind === 'attemptStarted' && event.taskId === taskId).length;
  return { ...run, step, attemptsOf, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() };
}

const many = (count: number, at: Record<number, Step>): Step[] =>
  Array.from({ length: count }, (_, index) => at[index] ?? 'quick');

function at<T>(list: readonly T[], index: number): T {
  return list[index] as T;
}

test('neighbours of a task that takes long go to another thread, and do not wait for it', async () => {
  await using run = await batchingRun(2);
  const order: number[] = [];
  const futures = many(60, { 5: 'spin' }).map((kind, id) => run.step(kind, id));
  for (const [id, future] of futures.entries()) void future.then(() => order.push(id));
  const settled = await Promise.all(futures);
  expect(settled.map(({ id }) => id)).toEqual(futures.map((_, id) => id));
  expect(order.at(-1)).toBe(5);
  expect(futures.map(({ taskId }) => run.attemptsOf(taskId))).toEqual(futures.map(() => 1));
});

test('the outcomes of those before a task that takes long are there before it ends', async () => {
  await using run = await batchingRun(1);
  const futures = many(20, { 10: 'spin', 11: 'spin' }).map((kind, id) => run.step(kind, id));
  await Promise.race([futures[10], ...futures.slice(11)]);
  expect(futures.slice(0, 10).map(({ status }) => status)).toEqual(futures.slice(0, 10).map(() => 'done'));
});

test('cancelling the one that runs ends its thread, and harms no neighbour', async () => {
  await using run = await batchingRun(1);
  const futures = many(40, { 7: 'forever' }).map((kind, id) => run.step(kind, id));
  await futures[6];
  futures[7]?.cancel('enough');
  expect(await failureOf(at(futures, 7))).toMatchObject({ code: 'CANCELLED' });
  const others = await Promise.all(futures.filter((_, id) => id !== 7));
  expect(others.map(({ id }) => id)).toEqual(futures.map((_, id) => id).filter((id) => id !== 7));
});

test('one that is cancelled just after the thread of its batch was ended takes no other with it', async () => {
  await using run = await batchingRun(1);
  const futures = many(20, { 7: 'forever' }).map((kind, id) => run.step(kind, id));
  await futures[6];
  for (const id of [7, 8]) futures[id]?.cancel('enough');
  const [waiting, last] = [run.step('quick', 20), run.step('quick', 21)];
  waiting.cancel('enough');
  for (const future of [at(futures, 7), at(futures, 8), waiting]) {
    expect(await failureOf(future)).toMatchObject({ code: 'CANCELLED' });
  }
  const others = await Promise.all([...futures.filter((_, id) => id !== 7 && id !== 8), last]);
  expect(others.map(({ id }) => id)).toEqual([...futures.keys(), 21].filter((id) => id !== 7 && id !== 8));
});

test('one that is cancelled before it is claimed never runs', async () => {
  await using run = await batchingRun(1);
  const spin = run.step('spin', 0);
  const futures = many(20, {}).map((kind, id) => run.step(kind, id));
  futures[3]?.cancel('not wanted');
  expect(await failureOf(at(futures, 3))).toMatchObject({ code: 'CANCELLED' });
  expect((await Promise.all(futures.filter((_, id) => id !== 3))).length).toBe(19);
  await spin;
});

test('one that ends its thread fails alone: those before it have their outcomes, those after it run elsewhere', async () => {
  await using run = await batchingRun(1);
  const futures = many(40, { 12: 'exit' }).map((kind, id) => run.step(kind, id));
  expect(await failureOf(at(futures, 12))).toMatchObject({ code: 'TASK_EXITED' });
  expect((await Promise.all(futures.filter((_, id) => id !== 12))).length).toBe(39);
});

test('errors and large values come out of a batch in their places', async () => {
  await using run = await batchingRun(2);
  const kinds = many(50, { 3: 'throw', 4: 'large', 20: 'large', 21: 'throw' });
  const settled = await Promise.allSettled(kinds.map((kind, id) => run.step(kind, id)));
  const seen = settled.map((result) => {
    return result.status === 'rejected' ? result.reason.message : [result.value.id, result.value.filling.length];
  });
  expect(seen).toEqual(kinds.map((kind, id) => (kind === 'throw' ? `no ${id}` : [id, kind === 'large' ? 100_000 : 0])));
});

test('in a crowd of tasks that exit, throw, spin and are cancelled every future settles as its task did', async () => {
  await using run = await batchingRun(2);
  const kinds = many(400, {
    40: 'exit',
    41: 'throw',
    90: 'forever',
    150: 'large',
    200: 'spin',
    201: 'exit',
    300: 'forever',
  });
  const futures = kinds.map((kind, id) => run.step(kind, id));
  const settled = Promise.allSettled(futures);
  for (const id of [90, 300]) {
    await Promise.race([futures[id - 1]?.then(), failureOf(at(futures, id - 1))]);
    futures[id]?.cancel();
  }
  const codes = (await settled).map((result) => (result.status === 'fulfilled' ? 'value' : result.reason.code));
  const expected = kinds.map((kind) => {
    if (kind === 'exit') return 'TASK_EXITED';
    if (kind === 'forever') return 'CANCELLED';
    return kind === 'throw' ? undefined : 'value';
  });
  expect(codes).toEqual(expected);
  expect(run.kernel.stats().byStatus).toMatchObject({ waiting: 0, launched: 0 });
});
