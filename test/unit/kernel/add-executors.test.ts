import { app, type Executor, type SluiceError } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

test('tasks use an executor once it is added, by label too, and it is closed with the kernel', async () => {
  const [first, second] = [
    new ScriptedExecutor({ label: 'a' }),
    new ScriptedExecutor({ label: 'b', resources: ['cores'] }),
  ];
  await using run = await temporaryRun({ executors: [first], asDefault: false });
  const onB = app((n: number) => n, { name: 'on-b', executors: ['b'], kernel: run.kernel });
  expect(thrownBy(() => onB(1))).toMatchObject({ code: 'UNKNOWN_LABEL' });
  await run.kernel.addExecutors([second]);
  expect(await onB(2)).toBe(2);
  expect(await onB.with({ resources: { cores: 1 } })(3)).toBe(3);
  await run.kernel.close();
  expect([second.starts, second.closes]).toEqual([1, 1]);
});

test('a task that waits is routed to an executor that was added after its call', async () => {
  const busy = new ScriptedExecutor({ label: 'a', before: (_, signal) => untilAborted(signal) });
  const added = new ScriptedExecutor({ label: 'b', capacity: 99 });
  await using run = await temporaryRun({ executors: [busy], asDefault: false });
  let resolve = (_: number): void => {};
  const promise = new Promise<number>((settle) => {
    resolve = settle;
  });
  const same = app((n: number) => n, { name: 'same', kernel: run.kernel });
  same(1);
  const waiting = same(promise);
  await run.kernel.addExecutors([added]);
  resolve(7);
  expect(await waiting).toBe(7);
  expect(added.submitted).toHaveLength(1);
});

test('one that cannot start leaves the kernel as it was, and what started with it is ended', async () => {
  const fine = new ScriptedExecutor({ label: 'b' });
  const failing = new ScriptedExecutor({
    label: 'c',
    onStart: () => Promise.reject(new RangeError('nothing deployed')),
  });
  await using run = await temporaryRun({ executors: [new ScriptedExecutor({ label: 'a' })], asDefault: false });
  await expect(run.kernel.addExecutors([fine, failing])).rejects.toThrow(new RangeError('nothing deployed'));
  expect([fine.starts, fine.closes]).toEqual([1, 1]);
  const same = app((n: number) => n, { name: 'same', kernel: run.kernel });
  expect(await same(1)).toBe(1);
  const onB = app((n: number) => n, { name: 'on-b', executors: ['b'], kernel: run.kernel });
  expect(thrownBy<SluiceError>(() => onB(1)).message).toContain("this kernel has 'a'");
  await run.kernel.addExecutors([new ScriptedExecutor({ label: 'b' })]);
  expect(await onB(2)).toBe(2);
});

test('a label that is taken is refused, also by one that is only starting, and nothing is started', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor({ label: 'a' })], asDefault: false });
  const again = new ScriptedExecutor({ label: 'a' });
  await expect(run.kernel.addExecutors([again])).rejects.toMatchObject({ code: 'DUPLICATE_LABEL' });
  const twins = [new ScriptedExecutor({ label: 'b' }), new ScriptedExecutor({ label: 'b' })] as const;
  const added = await Promise.allSettled(twins.map((twin) => run.kernel.addExecutors([twin])));
  expect(added.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect([again.starts, twins[1].starts]).toEqual([0, 0]);
});

test('what is no executor, and one of another kernel, is refused without harm', async () => {
  const theirs = new ScriptedExecutor({ label: 'theirs' });
  await using other = await temporaryRun({ executors: [theirs], asDefault: false });
  await using run = await temporaryRun({ executors: [new ScriptedExecutor({ label: 'a' })], asDefault: false });
  const nothing = await failureOf<SluiceError>(run.kernel.addExecutors(['threads' as unknown as Executor]));
  expect(nothing).toMatchObject({ code: 'INVALID_OPTIONS' });
  const error = await failureOf<SluiceError>(run.kernel.addExecutors([theirs]));
  expect(error.message).toContain("executor 'theirs' has been started before");
  expect([theirs.starts, theirs.closes]).toEqual([1, 0]);
  expect(await app((n: number) => n, { name: 'same', kernel: other.kernel })(3)).toBe(3);
});

test('a kernel that is closed, or closes meanwhile, takes none and leaves none running', async () => {
  let start = (): void => {};
  const slow = new ScriptedExecutor({
    label: 'slow',
    onStart: () =>
      new Promise((resolve) => {
        start = resolve;
      }),
  });
  await using run = await temporaryRun({ executors: [new ScriptedExecutor({ label: 'a' })], asDefault: false });
  const adding = failureOf<SluiceError>(run.kernel.addExecutors([slow]));
  await run.kernel.close();
  start();
  expect(await adding).toMatchObject({ code: 'KERNEL_CLOSED' });
  expect(slow.closes).toBe(1);
  const late = new ScriptedExecutor({ label: 'late' });
  await expect(run.kernel.addExecutors([late])).rejects.toMatchObject({ code: 'KERNEL_CLOSED' });
  expect(late.starts).toBe(0);
});
