import fc from 'fast-check';
import { app, bash, type RunEvent, ThreadPoolExecutor } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';
import { temporaryRun } from '../../../fixtures/kernel/temporary-run.js';

const KINDS = ['quick', 'throw', 'print', 'large', 'longCall', 'exit', 'timer', 'walltime', 'command'] as const;
type Kind = (typeof KINDS)[number];

/** A kernel whose quick tasks are known to be quick, so that their threads wait for more. */
async function quickRun(maxThreads: number, onEvent: (event: RunEvent) => void = () => {}) {
  const run = await temporaryRun({
    executors: [new ThreadPoolExecutor({ maxThreads })],
    infrastructureRetries: 0,
    asDefault: false,
    monitors: [{ record: onEvent, close: async () => {} }],
  });
  const step = app(
    (kind: Kind, id: number, _filling = '') => {
      if (kind === 'exit') process.exit(3);
      if (kind === 'throw') throw new RangeError(`no ${id}`);
      if (kind === 'print') process.stdout.write('');
      if (kind === 'timer') setTimeout(() => {}, 10_000);
      return kind === 'large' ? { id, filling: 'x'.repeat(100_000) } : { id };
    },
    { name: 'step', kernel: run.kernel },
  );
  const command = bash(() => 'true', { name: 'command', kernel: run.kernel });
  const call = (kind: Kind, id: number) => {
    if (kind === 'command') return command();
    if (kind === 'walltime') return step.with({ walltimeMs: 20_000 })(kind, id);
    // Below what makes a task a large one; several of them are too much for an inbox.
    return kind === 'longCall' ? step(kind, id, 'y'.repeat(15_000)) : step(kind, id);
  };
  for (let id = 0; id < 100; id++) await step('quick', id);
  return { ...run, step, call, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() };
}

test('one quick task after the other settles as it should, beside whatever else its thread is needed for', async () => {
  await using run = await quickRun(2);
  const rounds = fc.array(fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 8 }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(rounds, async (kindsOfRounds) => {
      for (const kinds of kindsOfRounds) {
        const settled = await Promise.allSettled(kinds.map((kind, id) => run.call(kind, id)));
        for (const [id, kind] of kinds.entries()) {
          const { value, reason } = settled[id] as { value?: unknown; reason?: unknown };
          if (kind === 'throw') expect(reason).toMatchObject({ message: `no ${id}` });
          else if (kind === 'exit') expect(reason).toMatchObject({ code: 'TASK_EXITED' });
          else if (kind === 'command') expect(value).toBe(0);
          else expect(value).toMatchObject({ id });
        }
      }
    }),
    // Each that ends its thread takes as long as starting another: some hundred of them in all.
    { numRuns: 10 },
  );
});

test('a thread that waits for more makes way for a command', async () => {
  await using run = await quickRun(1);
  for (let round = 0; round < 20; round++) {
    await run.call('quick', round);
    expect(await run.call('command', round)).toBe(0);
  }
});

test('a task that is cancelled while its batch is answered harms none of the next batch', async () => {
  const cancelled = new Set<number>();
  const futures = new Map<number, { cancel(): void }>();
  await using run = await quickRun(1, (event) => {
    // In the midst of the answers of a batch, whose board has been given to the next one.
    if (event.kind !== 'attemptEnded' || !futures.has(event.taskId) || event.taskId % 7 !== 0) return;
    for (const taskId of [event.taskId + 1, event.taskId + 2]) {
      if (futures.has(taskId)) cancelled.add(taskId);
      futures.get(taskId)?.cancel();
    }
  });
  const all = Array.from({ length: 5_000 }, (_, id) => {
    const future = run.step('quick', id);
    futures.set(future.taskId, future);
    return future;
  });
  const settled = await Promise.allSettled(all);
  for (const [id, result] of settled.entries()) {
    const isCancelled = cancelled.has(all[id]?.taskId ?? -1);
    if (result.status === 'fulfilled') expect(result.value).toEqual({ id });
    else expect([isCancelled, result.reason]).toMatchObject([true, { code: 'CANCELLED' }]);
  }
  expect(cancelled.size).toBeGreaterThan(0);
});

test('a loop of calls that leaves no turn of the event loop keeps the threads busy', async () => {
  await using run = await quickRun(2);
  const futures: { readonly status: string }[] = [];
  const hasAnswers = () => futures.some(({ status }) => status === 'done');
  for (const untilMs = Date.now() + 20_000; !hasAnswers() && Date.now() < untilMs; ) {
    for (let id = 0; id < 256; id++) futures.push(run.step('quick', id));
  }
  expect(hasAnswers()).toBe(true);
});

test('an error that one quick task leaves uncaught is its own, and not that of the next', async () => {
  await using run = await quickRun(1);
  const leaves = app(
    () => {
      Promise.reject(new Error('left alone'));
    },
    { name: 'leaves', kernel: run.kernel },
  );
  for (let round = 0; round < 5; round++) {
    const left = leaves();
    const next = run.step('quick', round);
    expect(await failureOf(left)).toMatchObject({ code: 'TASK_EXITED' });
    expect(await next).toEqual({ id: round });
  }
});

test('a close does not wait for threads that wait, and a task after it is refused', async () => {
  const run = await quickRun(2);
  await Promise.all([run.step('quick', 0), run.step('quick', 1)]);
  await run.kernel.close();
  expect(() => run.step('quick', 2)).toThrow(expect.objectContaining({ code: 'KERNEL_CLOSED' }));
  await run[Symbol.asyncDispose]();
});
