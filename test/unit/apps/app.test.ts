import { app, type DataFile, type DataFlowKernel, file, type Io, type SluiceError } from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const executor = new ScriptedExecutor();
let run: TemporaryRun;
let kernel: DataFlowKernel;
beforeAll(async () => {
  run = await temporaryRun({ executors: [executor] });
  kernel = run.kernel;
});
afterAll(() => run[Symbol.asyncDispose]());

const give = app((value: unknown) => value, { name: 'give' });

describe('arguments', () => {
  test.each([
    ['a string', 'text'],
    ['a number', -0],
    ['a list', [1, 'two', [3]]],
    ['undefined', undefined],
    ['null', null],
    ['a bigint', 2n ** 70n],
    ['a date', new Date(12)],
    ['a Map', new Map([['k', { deep: new Set([1]) }]])],
    ['bytes', new Uint8Array([1, 2, 3])],
    ['a URL', new URL('https://host/path?q')],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ])('%s arrives unchanged', async (_, value) => {
    expect(await give(value)).toEqual(value);
  });

  test('what cannot be sent is refused at the call, with its path', () => {
    class Client {}
    const error = thrownBy<SluiceError>(() => give({ client: [new Client()] }));
    expect(error).toMatchObject({ code: 'NOT_SENDABLE', class: 'usage' });
    expect(error.message).toContain('argument 0 .client[0]: a Client instance cannot be sent to a worker');
  });

  test('a call that was refused leaves no task behind', async () => {
    const before = kernel.stats().byApp.give?.total;
    thrownBy(() => give(() => 1));
    await kernel.waitForAll();
    expect(kernel.stats().byApp.give?.total).toBe(before);
  });

  test('arguments are as they were at the call, whatever becomes of them later', async () => {
    const list = [1];
    const future = give(list);
    list.push(2);
    expect(await future).toEqual([1]);
  });

  test('defaults, patterns and rest parameters work as in the function', async () => {
    const shaped = app((a: number, { b, c = 3 }: { b: number; c?: number }, ...rest: number[]) => [a, b, c, ...rest], {
      name: 'shaped',
    });
    expect(await shaped(1, { b: 2 }, 4, 5)).toEqual([1, 2, 3, 4, 5]);
    const withDefault = app((a: number, b: number = 9) => a + b, { name: 'with-default' });
    expect(await withDefault(1)).toBe(10);
    expect(await withDefault(1, undefined)).toBe(10);
  });

  test('the inputs and outputs of one call are not those of the next', async () => {
    const seen = app((io) => [io.inputs.length, io.outputs.length], { name: 'seen', io: true });
    const twice = seen.with({ inputs: [`${run.folder}/none`] });
    await expect(twice()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await seen()).toEqual([0, 0]);
  });
});

describe('values', () => {
  test('an async function is awaited', async () => {
    expect(await app(async (n: number) => n + 1, { name: 'async' })(1)).toBe(2);
  });

  test('modules can be imported inside', async () => {
    const join = app(async (a: string, b: string) => (await import('node:path')).posix.join(a, b), { name: 'join' });
    expect(await join('a', 'b')).toBe('a/b');
  });

  test('named functions and function declarations are apps under their own name', async () => {
    function triple(n: number): number {
      return n * 3;
    }
    const named = app(triple);
    expect(await named(2)).toBe(6);
    expect(named(1).appName).toBe('triple');
  });

  test('a result that cannot be sent fails the task, with its path', async () => {
    const bad = app(() => ({ deep: [() => 1] }), { name: 'bad' });
    const error = await failureOf<SluiceError>(bad());
    expect(error).toMatchObject({ code: 'NOT_SENDABLE' });
    expect(error.message).toContain("the result of app 'bad' .deep[0]");
  });

  test('a function is refused at its definition when a worker will not have what it uses', () => {
    const outside = 'not there';
    const error = thrownBy<SluiceError>(() => app(() => outside.length, { name: 'closes-over' }));
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
    expect(error.message).toContain('`outside`');
    expect(error.message).toContain('app.test.ts');
  });
});

describe('the future', () => {
  test('it is awaited as often as one likes, and gives the same', async () => {
    const future = give({ a: 1 });
    expect(await future).toBe(await future);
    expect(await Promise.all([future, give(2)])).toEqual([{ a: 1 }, 2]);
  });

  test('then, catch and finally are those of a promise', async () => {
    const fail = app(
      () => {
        throw new TypeError('no');
      },
      { name: 'fail' },
    );
    expect(await give(1).then((value) => [value])).toEqual([1]);
    expect(await fail().catch((error: unknown) => (error as Error).message)).toBe('no');
    const order: string[] = [];
    expect(await give(1).finally(() => order.push('finally'))).toBe(1);
    await expect(fail().finally(() => order.push('failed'))).rejects.toThrow('no');
    expect(order).toEqual(['finally', 'failed']);
  });

  test('it knows its task, its app and where the task is', async () => {
    const first = give(1);
    const second = give(2);
    expect(second.taskId).toBe(first.taskId + 1);
    expect(first.appName).toBe('give');
    expect(first.status).toBe('launched');
    await first;
    expect(first.status).toBe('done');
  });
});

describe('Io', () => {
  const withIo = app((a: string, b: string | undefined, io: Io) => [a, b, io.taskId, io.attempt], {
    name: 'with-io',
    io: true,
  });

  test('it comes last, also when arguments before it are left out', async () => {
    const short = withIo as unknown as (a: string) => PromiseLike<unknown[]> & { taskId: number };
    const future = short('a');
    expect(await future).toEqual(['a', undefined, future.taskId, 1]);
  });

  test('a call has the options of the task in its place, or nothing', async () => {
    const read = app(
      async (from: DataFile, io: Io) => {
        const { readFile, writeFile } = await import('node:fs/promises');
        await writeFile(io.outputs[0]?.path ?? '', await readFile(from.path));
        return io.outputs.length;
      },
      { name: 'copy', io: true },
    );
    const { writeFile, readFile } = await import('node:fs/promises');
    await writeFile(`${run.folder}/source`, 'text');
    const future = read(file(`${run.folder}/source`), { outputs: [`${run.folder}/copy`] });
    expect(await future).toBe(1);
    expect(await readFile((await future.outputs[0]).path, 'utf8')).toBe('text');
  });

  test('a function without Io takes a plain object as an argument, whatever its keys', async () => {
    expect(await give({ outputs: ['x'], walltimeMs: 5 })).toEqual({ outputs: ['x'], walltimeMs: 5 });
  });

  test('it gives a scratch folder of the attempt, that is empty and goes with it', async () => {
    const folder = app(
      async (io: Io) => {
        const { readdir, writeFile } = await import('node:fs/promises');
        const files = await readdir(io.scratch);
        await writeFile(`${io.scratch}/x`, '');
        return [io.scratch, ...files];
      },
      { name: 'folder', io: true },
    );
    const [[first], [second]] = await Promise.all([folder(), folder()]);
    expect(first).not.toBe(second);
    const { existsSync } = await import('node:fs');
    expect([first, second].map((path) => existsSync(path as string))).toEqual([false, false]);
  });

  test('a function app keeps the working directory it has', async () => {
    expect(await app(() => process.cwd(), { name: 'cwd' })()).toBe(process.cwd());
  });

  test('arguments beyond its place are refused', () => {
    const call = withIo as unknown as (...args: unknown[]) => unknown;
    const text = "app 'with-io' takes 2 argument(s) and the task's options; it was called with 4";
    expect(thrownBy<SluiceError>(() => call('a', 'b', {}, 'c'))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: text,
    });
  });

  test.each([
    ['a string', 'c', 'it was given c'],
    ['null', null, 'it was given null'],
    ['a file', file('/x'), 'an object of class DataFile'],
    ['an array', ['x'], 'an object of class Array'],
    ['a function', () => 1, 'a function'],
  ])('%s in its place is refused, saying what belongs there', (_, value, words) => {
    const call = withIo as unknown as (...args: unknown[]) => unknown;
    const error = thrownBy<SluiceError>(() => call('a', 'b', value));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(error.message).toContain('the last parameter of its function is Io');
    expect(error.message).toContain(words);
  });

  test('a future in its place is refused too', () => {
    const call = withIo as unknown as (...args: unknown[]) => unknown;
    expect(thrownBy<SluiceError>(() => call('a', 'b', give(1))).message).toContain('an object of class AppFuture');
  });

  test('after a rest parameter it has no place', () => {
    const call = () => app((...args: unknown[]) => args, { name: 'rest', io: true } as { name: string });
    expect(thrownBy<SluiceError>(call).message).toContain("app 'rest' has a rest parameter");
  });
});

describe('with', () => {
  test('it gives options to an app without Io, for that call alone', async () => {
    const slow = app(() => new Promise((resolve) => setTimeout(resolve, 5_000)), { name: 'slow' });
    await expect(slow.with({ walltimeMs: 20 })()).rejects.toMatchObject({ code: 'WALLTIME' });
    await slow.with({ priority: 3 })().cancel();
    expect(executor.submitted.at(-1)).toMatchObject({ priority: 3 });
    expect(executor.submitted.at(-1)).not.toHaveProperty('walltimeMs');
  });

  test("a call's option wins over the app's", async () => {
    const fine = app(() => 1, { name: 'fine', walltimeMs: 1_000, priority: 1 });
    await fine.with({ walltimeMs: 2_000 })();
    expect(executor.submitted.at(-1)).toMatchObject({ walltimeMs: 2_000, priority: 1 });
  });

  test('arguments after those of the function are refused, where they would be lost', () => {
    const fine = app((a: string, io: Io) => a + io.attempt, { name: 'fine', io: true });
    const call = fine.with({}) as unknown as (...args: unknown[]) => unknown;
    const text = "app 'fine' takes 1 argument(s) and nothing more; it was called with 2";
    expect(thrownBy<SluiceError>(() => call('a', { outputs: [] }))).toMatchObject({ message: text });
  });
});
