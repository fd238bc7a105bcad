import { getEventListeners } from 'node:events';
import { app, join, type SluiceError, ThreadPoolExecutor } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const held = () => new ScriptedExecutor({ before: (_, signal) => untilAborted(signal) });
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('an aborted signal cancels the task with its reason, and the tasks that wait for it', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const same = app((n: number) => n, { name: 'same', kernel: run.kernel });
  const stop = new AbortController();
  const first = same.with({ signal: stop.signal })(1);
  const second = same(first);
  const other = same(2);
  const reason = new Error('enough');
  stop.abort(reason);
  const error = await failureOf<SluiceError>(first);
  expect(error).toMatchObject({ code: 'CANCELLED', cause: reason });
  expect(error.message).toBe("task 0 'same' was cancelled: enough");
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(other.status).toBe('launched');
});

test('a signal that has aborted already gives a cancelled future, and nothing is run', async () => {
  const executor = held();
  await using run = await temporaryRun({ executors: [executor], asDefault: false });
  const same = app((n: number) => n, { name: 'same', kernel: run.kernel });
  const signal = AbortSignal.abort();
  const future = same.with({ signal })(1);
  expect(future.status).toBe('cancelled');
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED', cause: { name: 'AbortError' } });
  await run.kernel.waitForAll();
  expect(executor.submitted).toEqual([]);
  expect(listeners(signal)).toBe(0);
});

test('however many tasks share a signal it has one listener, which goes with the last of them', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const half = app((n: number) => (n % 2 === 0 ? n : JSON.parse('{')), { name: 'half', kernel: run.kernel });
  const { signal } = new AbortController();
  const futures = Array.from({ length: 20 }, (_, index) => half.with({ signal })(index));
  expect(listeners(signal)).toBe(1);
  await Promise.allSettled(futures);
  expect(listeners(signal)).toBe(0);
  await half.with({ signal })(0);
  expect(listeners(signal)).toBe(0);
});

test('all tasks of a signal are cancelled, and those of another are not', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const same = app((n: number) => n, { name: 'same', kernel: run.kernel });
  const [one, two] = [new AbortController(), new AbortController()];
  const futures = [one, two, one].map(({ signal }) => same.with({ signal })(1));
  one.abort();
  expect(futures.map(({ status }) => status)).toEqual(['cancelled', 'launched', 'cancelled']);
  expect([listeners(one.signal), listeners(two.signal)]).toEqual([0, 1]);
});

test('a join takes a signal as well; what is no signal is refused', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const { kernel } = run;
  const same = app((n: number) => n, { name: 'same', kernel });
  const stop = new AbortController();
  const joined = join(() => same(1), { name: 'joined', kernel })({ signal: stop.signal });
  stop.abort();
  await expect(joined).rejects.toMatchObject({ code: 'CANCELLED' });
  const wrong = thrownBy<SluiceError>(() => same.with({ signal: {} as AbortSignal }));
  expect(wrong).toMatchObject({ code: 'INVALID_OPTIONS' });
  expect(wrong.message).toContain('signal');
});

test('code that never yields is stopped by a signal, on threads', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const loop = app(
    (ms: number) => {
      const end = Date.now() + ms;
      while (Date.now() < end);
      return ms;
    },
    { name: 'loop', kernel: run.kernel },
  );
  const endless = loop.with({ signal: AbortSignal.timeout(200) })(600_000);
  await expect(endless).rejects.toMatchObject({ code: 'CANCELLED', cause: { name: 'TimeoutError' } });
  expect(await loop(1)).toBe(1);
});
