import {
  type AppFuture,
  app,
  type DataFile,
  DependencyError,
  file,
  type Io,
  JoinError,
  join,
  type SluiceError,
} from 'sluice';
import { expect, test, vi } from 'vitest';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const inProcess = (executor = new ScriptedExecutor({ capacity: 4 })): Promise<TemporaryRun> =>
  temporaryRun({ executors: [executor], asDefault: false });
const later = <T>(value: T): Promise<T> => new Promise((resolve) => setTimeout(() => resolve(value), 1));

test('a promise is a dependency, at any depth and beside futures', async () => {
  await using run = await inProcess();
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const map = new Map<unknown, unknown>([[later('key'), new Set([later(1)])]]);
  const given = { list: [later({ a: 1 }), whole(2), 3], map, done: Promise.resolve(undefined) };
  const future = whole(given);
  expect(future.status).toBe('waiting');
  const expected = new Map([['key', new Set([1])]]);
  expect(await future).toEqual({ list: [{ a: 1 }, 2, 3], map: expected, done: undefined });
});

test('anything with a then is a promise, also one that settles at once', async () => {
  await using run = await inProcess();
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  // biome-ignore lint/suspicious/noThenProperty: it is what is tested
  const thenable = { then: (resolve: (value: number) => void) => resolve(7) };
  expect(await whole([thenable])).toEqual([7]);
});

test('a promise shared by calls is listened to once, and its value encoded once', async () => {
  const executor = new ScriptedExecutor();
  await using run = await inProcess(executor);
  const whole = app((...xs: unknown[]) => xs.length, { name: 'whole', kernel: run.kernel });
  let reads = 0;
  const value = {
    get text() {
      reads += 1;
      return 'x'.repeat(10);
    },
  };
  const promise = later(value);
  const listen = vi.spyOn(promise, 'then');
  const futures = [whole(promise, promise), whole([promise]), whole(promise)];
  await Promise.all(futures);
  expect(listen).toHaveBeenCalledOnce();
  expect(reads).toBe(1);
  expect(executor.submitted.map(({ slots }) => slots.length)).toEqual([1, 1, 1]);
});

test('a rejection is a DependencyError that says which promise, and is never unhandled', async () => {
  await using run = await inProcess();
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const reason = new RangeError('no such row');
  const error = await failureOf<DependencyError>(whole({ rows: [Promise.reject(reason)] }));
  expect(error).toBeInstanceOf(DependencyError);
  expect(error.message).toBe("no such row [a promise in argument 0 .rows[0]]; so task 0 'whole' was not run");
  expect(error).toMatchObject({ code: 'DEPENDENCY', taskId: 0, failedTaskIds: [], cause: reason });
  const behind = await failureOf<DependencyError>(whole(whole(Promise.reject(reason))));
  expect(behind.message).toBe(
    "no such row [a promise in argument 0]; so task 2 'whole' was not run (it waits for task 1 'whole')",
  );
  // Nobody awaits this one; vitest fails the file on an unhandled rejection.
  whole(Promise.reject(reason));
  await run.kernel.waitForAll();
  await new Promise((resolve) => setImmediate(resolve));
});

test('a value that cannot be sent is NOT_SENDABLE, with the path to it, and is not retried', async () => {
  const executor = new ScriptedExecutor();
  await using run = await temporaryRun({ executors: [executor], retries: 2, asDefault: false });
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const error = await failureOf<SluiceError>(whole([later({ deep: [() => 1] })]));
  expect(error).toMatchObject({ code: 'NOT_SENDABLE', class: 'usage' });
  expect(error.message).toContain(
    "a promise in argument 0 [0] of task 0 'whole': its value .deep[0]: a function cannot be sent to a worker",
  );
  expect(executor.submitted).toEqual([]);
});

test('a task that waits for a promise that never settles can be cancelled, and closing by cancelling does not wait', async () => {
  await using run = await inProcess();
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  const never = new Promise(() => {});
  const [first, second] = [whole(never), whole(never)];
  first.cancel('enough');
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(second.status).toBe('waiting');
  await run.kernel.close({ onClose: 'cancel' });
  expect(second.status).toBe('cancelled');
});

test('closing by waiting waits for the promise', async () => {
  await using run = await inProcess();
  const whole = app((x: unknown) => x, { name: 'whole', kernel: run.kernel });
  let resolve = (_: number): void => {};
  const promise = new Promise<number>((settle) => {
    resolve = settle;
  });
  const future = whole(promise);
  const closing = run.kernel.close();
  expect(future.status).toBe('waiting');
  resolve(3);
  await closing;
  expect(await future).toBe(3);
});

test('the promise of a file is an argument and an input', async () => {
  await using run = await inProcess();
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${run.folder}/a`, 'text');
  const read = app(
    async (from: DataFile, io: Io) => {
      const { readFile } = await import('node:fs/promises');
      return [await readFile(from.path, 'utf8'), io.inputs.map(({ filename }) => filename)];
    },
    { name: 'read', io: true, kernel: run.kernel },
  );
  const promised = () => later(file(`${run.folder}/a`));
  expect(await read(promised(), { inputs: [promised()] })).toEqual(['text', ['a']]);
});

test('a join may return promises, alone and inside; their failures are JoinErrors', async () => {
  await using run = await inProcess();
  const same = app((n: number) => n, { name: 'same', kernel: run.kernel });
  const { kernel } = run;
  const mixed = join(() => ({ ours: same(1), theirs: [later(2), Promise.resolve(3)] }), { name: 'mixed', kernel });
  expect(await mixed()).toEqual({ ours: 1, theirs: [2, 3] });
  const failing = join(() => [Promise.reject(new RangeError('inside')), same(1)], { name: 'failing', kernel });
  const future: AppFuture<unknown> = failing();
  const error = await failureOf<JoinError>(future);
  expect(error).toBeInstanceOf(JoinError);
  expect(error.message).toBe(
    `inside [a promise in the result of join 'failing' [0]]; so the join task ${future.taskId} 'failing' failed`,
  );
});
