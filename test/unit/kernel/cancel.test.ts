import { app, bash, type Io, JoinError, join, type SluiceError, type TaskEnvelope, ThreadPoolExecutor } from 'sluice';
import { expect, test, vi } from 'vitest';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const held = (): ScriptedExecutor =>
  new ScriptedExecutor({ before: (_: TaskEnvelope, signal: AbortSignal) => untilAborted(signal) });

test('a running task that is cancelled rejects with the reason, and its executor is told', async () => {
  let aborted: unknown;
  const executor = new ScriptedExecutor({
    before: async (_, signal) => {
      await untilAborted(signal).catch((reason: unknown) => {
        aborted = reason;
        throw reason;
      });
    },
  });
  await using run = await temporaryRun({ executors: [executor], asDefault: false });
  const future = app(() => 1, { name: 'one', kernel: run.kernel })();
  const reason = new Error('found it elsewhere');
  future.cancel(reason);
  const error = await failureOf<SluiceError>(future);
  expect(error).toMatchObject({ code: 'CANCELLED', class: 'usage', cause: reason });
  expect(error.message).toBe("task 0 'one' was cancelled: found it elsewhere");
  expect(future.status).toBe('cancelled');
  expect(aborted).toBe(error);
});

test('tasks that wait for a cancelled one are cancelled with it, whatever their retries', async () => {
  const executor = held();
  await using run = await temporaryRun({ executors: [executor], retries: 3, asDefault: false });
  const next = app((n: number) => n, { name: 'next', kernel: run.kernel });
  const first = next(1);
  const second = next(first);
  const third = next(second);
  const unrelated = next(4);
  first.cancel();
  await Promise.all(
    [first, second, third].map((future) => expect(future).rejects.toThrow("task 0 'next' was cancelled")),
  );
  expect([first, second, third, unrelated].map(({ status }) => status)).toEqual([
    'cancelled',
    'cancelled',
    'cancelled',
    'launched',
  ]);
  expect(executor.submitted.map(({ taskId }) => taskId)).toEqual([0, 3]);
});

test('a waiting task can be cancelled by itself', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const next = app((n: number) => n, { name: 'next', kernel: run.kernel });
  const first = next(1);
  const second = next(first);
  second.cancel('not needed');
  await expect(second).rejects.toThrow("task 1 'next' was cancelled: not needed");
  expect(await first).toBe(1);
});

test('cancelling what is finished, or cancelled already, changes nothing', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  const done = one();
  expect(await done).toBe(1);
  done.cancel();
  expect([done.status, await done]).toEqual(['done', 1]);
  const twice = one();
  twice.cancel('first');
  twice.cancel('second');
  await expect(twice).rejects.toThrow(/first$/);
  await run.kernel.waitForAll();
  expect(run.kernel.stats().byStatus).toMatchObject({ done: 1, cancelled: 1 });
});

test('cancelAll gives up everything, and the kernel takes new calls', async () => {
  const executor = new ScriptedExecutor({
    before: ({ taskId }, signal) => (taskId < 4 ? untilAborted(signal) : undefined),
  });
  await using run = await temporaryRun({ executors: [executor], asDefault: false });
  const next = app((n: number) => n, { name: 'next', kernel: run.kernel });
  const futures = [next(1), next(2), next(next(3))];
  run.kernel.cancelAll('start over');
  for (const future of futures) await expect(future).rejects.toThrow('start over');
  expect(await next(5)).toBe(5);
});

test('20,000 tasks can be cancelled at once', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const loop = app(
    () => {
      for (;;);
    },
    { name: 'loop', kernel: run.kernel },
  );
  const futures = Array.from({ length: 20_000 }, () => loop());
  run.kernel.cancelAll();
  const ends = await Promise.allSettled(futures);
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
  await vi.waitFor(() => expect(run.kernel.stats().byStatus.cancelled).toBe(20_000));
});

test('a cancelled join rejects; a join whose inner task is cancelled is a JoinError', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const inner: { cancel(): void }[] = [];
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  const joined = join(
    (_: number, __: Io) => {
      const future = one();
      inner.push(future);
      return future;
    },
    { name: 'joined', kernel: run.kernel },
  );
  const first = joined(1);
  const second = joined(2);
  await vi.waitFor(() => expect([first.status, second.status]).toEqual(['joining', 'joining']));
  first.cancel('enough');
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  inner[1]?.cancel();
  const error = await failureOf<JoinError>(second);
  expect(error).toBeInstanceOf(JoinError);
  expect(error.cause).toMatchObject({ code: 'CANCELLED' });
});

test('an output of a cancelled task rejects as the task does', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const touch = bash((io) => io.sh`touch ${io.outputs[0]}`, { name: 'touch', kernel: run.kernel });
  const future = touch({ outputs: [`${run.folder}/x`] });
  future.cancel();
  await expect(future.outputs[0]).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('cancelling a join cancels what its body has called, and what it calls afterwards', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const one = app((n: number) => n, { name: 'one', kernel: run.kernel });
  const called: ReturnType<typeof one>[] = [];
  let goOn = (): void => {};
  const goesOn = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const body = vi.fn(async () => {
    called.push(one(1), one(2));
    await goesOn;
    called.push(one(3));
    return called;
  });
  const future = join(() => body(), { name: 'calls', kernel: run.kernel })();
  await vi.waitFor(() => expect(called.length).toBe(2));
  future.cancel('enough');
  expect(called.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  expect(await failureOf<Error>(called[0] as (typeof called)[0])).toMatchObject({ code: 'CANCELLED' });
  goOn();
  await vi.waitFor(() => expect(called[2]?.status).toBe('cancelled'));
  await run.kernel.waitForAll();
});
