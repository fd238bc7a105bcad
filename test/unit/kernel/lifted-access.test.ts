import { type AppFuture, app, type RunEvent, type SluiceError } from 'sluice';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let run: TemporaryRun;
const events: RunEvent[] = [];
beforeAll(async () => {
  const monitor = { record: (event: RunEvent) => void events.push(event), close: async () => {} };
  run = await temporaryRun({ executors: [new ScriptedExecutor()], retries: 3, monitors: [monitor] });
});
afterAll(() => run[Symbol.asyncDispose]());

const make = app(() => ({ name: 'x', list: [10, 20], nested: { deep: [{ n: 7 }] }, names: new Map([['a', 1]]) }), {
  name: 'make',
});

test('what an object, an array and a Map hold can be had before they are there', async () => {
  const made = make();
  const name = made.get('name');
  expect(name.status).toBe('waiting');
  expectTypeOf(name).toExtend<AppFuture<string>>();
  expect(await name).toBe('x');
  expect(await made.get('list').get(1)).toBe(20);
  expect(await made.get('names').get('a')).toBe(1);
  const n = made.get('nested').get('deep').get(0).get('n');
  expectTypeOf(n).toExtend<AppFuture<number>>();
  expect(await n).toBe(7);
});

test('it is a future like any other: a dependency, whose failures name their root', async () => {
  const add = app((a: number, b: number) => a + b, { name: 'add' });
  const made = make();
  expect(await add(made.get('list').get(0), made.get('nested').get('deep').get(0).get('n'))).toBe(17);
  const boom = app(
    (): { a: number } => {
      throw new RangeError('at the bottom');
    },
    { name: 'boom', retries: 0 },
  );
  const failed = boom();
  const got = failed.get('a');
  const error = await failureOf<Error>(got);
  expect(error.message).toBe(
    `at the bottom [task ${failed.taskId} 'boom']; so task ${got.taskId} 'boom.get' was not run`,
  );
});

test('types are those of the value', () => {
  const never = (_: () => unknown): void => {};
  never(() => {
    const made = make();
    expectTypeOf(made.get('list')).toExtend<AppFuture<number[]>>();
    expectTypeOf(app(() => ['a', 1] as const)().get(1)).toExtend<AppFuture<1>>();
    expectTypeOf(app(() => new Map<number, Date>())().get(3)).toExtend<AppFuture<Date>>();
    // @ts-expect-error there is no such property
    made.get('nme');
    // @ts-expect-error an array is asked by index
    made.get('list').get('length');
    // @ts-expect-error a number holds nothing
    app(() => 1)().get('toFixed');
  });
});

describe('a key that is not there', () => {
  const message = async (value: unknown, key: unknown): Promise<string> => {
    const same = app((x: unknown) => x, { name: 'same' });
    const future = same(value) as AppFuture<Record<string, unknown>>;
    const error = await failureOf<SluiceError>(future.get(key as string));
    expect(error).toMatchObject({ code: 'NO_SUCH_KEY', class: 'usage' });
    return error.message;
  };

  test('is an error in the new future, that names it and what there is', async () => {
    expect(await message({ a: 1, b: 2 }, 'c')).toBe(
      "the result of app 'same' has no 'c': it is an object with the keys 'a', 'b'",
    );
    expect(await message({}, 'toString')).toContain('an object without keys');
    expect(await message([1, 2], 2)).toContain('has no 2: it is an array of length 2');
    expect(await message([1, 2], -1)).toContain('has no -1');
    expect(await message(new Map([[1, 'x']]), '1')).toContain("has no '1': it is a Map with the keys 1");
    expect(await message('text', 'length')).toContain("has no 'length': it is a string");
    expect(await message(null, 'a')).toContain('it is null');
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`k${index}`, 0]));
    expect(await message(many, 'x')).toMatch(/'k9' and 20 more$/);
  });

  test('is not tried again', async () => {
    const same = app((x: unknown) => x, { name: 'tried-once' });
    const future = same({}) as AppFuture<{ a: number }>;
    await failureOf(future.get('a'));
    const seen = events.flatMap((event) =>
      event.app === 'tried-once.get' && event.kind === 'taskStatus' ? [event.status] : [],
    );
    expect(seen).toEqual(['launched', 'failed']);
  });
});

test('own fields of errors and what a file is can be had too', async () => {
  const failure = app(() => Object.assign(new RangeError('far'), { limit: 3 }), { name: 'failure' });
  const future = failure();
  expect(await Promise.all([future.get('message'), future.get('limit'), future.get('name')])).toEqual([
    'far',
    3,
    'RangeError',
  ]);
});

test('it is counted under a name of its own, and occupies no executor', async () => {
  const executor = new ScriptedExecutor();
  await using own = await temporaryRun({ executors: [executor], asDefault: false });
  const one = app(() => ({ a: { b: 1 } }), { name: 'one', kernel: own.kernel });
  expect(await one().get('a').get('b')).toBe(1);
  expect(executor.submitted).toHaveLength(1);
  expect(own.kernel.stats().byApp).toEqual({
    one: { total: 1, done: 1, failed: 0 },
    'one.get': { total: 1, done: 1, failed: 0 },
    'one.get.get': { total: 1, done: 1, failed: 0 },
  });
});

test('it is cancelled with what it waits for, or by itself', async () => {
  const executor = new ScriptedExecutor({ before: (_, signal) => untilAborted(signal) });
  await using own = await temporaryRun({ executors: [executor], asDefault: false });
  const one = app(() => ({ a: 1 }), { name: 'one', kernel: own.kernel });
  const future = one();
  const [first, second] = [future.get('a'), future.get('a')];
  first.cancel();
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(future.status).toBe('launched');
  future.cancel();
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('after the close it is refused as any call is', async () => {
  const own = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const one = app(() => ({ a: 1 }), { name: 'one', kernel: own.kernel })();
  await own[Symbol.asyncDispose]();
  expect(thrownBy(() => one.get('a'))).toMatchObject({ code: 'KERNEL_CLOSED' });
});
