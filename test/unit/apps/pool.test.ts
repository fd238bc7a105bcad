import { app, createPool, type Io, type PoolOptions, type SluiceError, ThreadPoolExecutor } from 'sluice';
import { describe, expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

type PoolConfig = NonNullable<PoolOptions['config']>;

/** A pool's own kernel in a folder that is removed, over an executor of the test's. */
async function ownConfig(
  executor = new ScriptedExecutor({ capacity: 4 }),
): Promise<AsyncDisposable & { config: PoolConfig }> {
  const run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const config: PoolConfig = { executors: [executor], runDir: `${run.folder}/pool-runs`, handleSignals: false };
  return { config, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() };
}

const square = (n: number): number => n * n;
const boom = (n: number): number => {
  if (n > 2) throw Object.assign(new RangeError(`item ${n}`), { limit: 2 });
  return n;
};

describe('a pool of its own', () => {
  test('runs a function, one argument a run, and starts with the first run', async () => {
    const executor = new ScriptedExecutor();
    await using own = await ownConfig(executor);
    await using pool = createPool(square, { config: own.config });
    expect(executor.starts).toBe(0);
    expect(await Promise.all([pool.run(3), pool.run(4)])).toEqual([9, 16]);
    expect(executor.starts).toBe(1);
    expect((await pool.load()).stats().byApp).toEqual({ square: { total: 2, done: 2, failed: 0 } });
  });

  test('works on threads', async () => {
    await using own = await ownConfig();
    const config = { ...own.config, executors: [new ThreadPoolExecutor({ maxThreads: 1 })] };
    await using pool = createPool(async (text: string) => text.toUpperCase(), { config, name: 'upper' });
    expect(await pool.run('abc')).toBe('ABC');
  });

  test('is no default kernel, and another pool beside it is another kernel', async () => {
    await using first = await ownConfig();
    await using second = await ownConfig();
    await using one = createPool(square, { config: first.config });
    await using two = createPool(square, { config: second.config });
    expect(await Promise.all([one.run(2), two.run(3)])).toEqual([4, 9]);
    expect((await one.load()).runId).not.toBe((await two.load()).runId);
  });

  test('close waits for what was submitted, ends the kernel, and refuses runs from then on', async () => {
    const executor = new ScriptedExecutor();
    await using own = await ownConfig(executor);
    const pool = createPool(square, { config: own.config });
    const running = pool.run(5);
    await pool.close();
    expect(await running).toBe(25);
    expect(executor.closes).toBe(1);
    const error = await failureOf<SluiceError>(pool.run(1));
    expect(error).toMatchObject({ code: 'KERNEL_CLOSED' });
    expect(error.message).toBe("the pool of app 'square' was called after its close");
    await expect(pool.map([1])).rejects.toMatchObject({ code: 'KERNEL_CLOSED' });
    await pool.close();
  });

  test('close can cancel; one that never began closes at once', async () => {
    const executor = new ScriptedExecutor({ before: (_, signal) => untilAborted(signal) });
    await using own = await ownConfig(executor);
    const pool = createPool(square, { config: own.config });
    await pool.load();
    const running = failureOf(pool.run(5));
    await pool.close({ onClose: 'cancel' });
    expect(await running).toMatchObject({ code: 'CANCELLED' });
    await createPool(square, { config: own.config }).close();
  });

  test('an executor that cannot start rejects the runs', async () => {
    const executor = new ScriptedExecutor({ onStart: () => Promise.reject(new Error('nothing deployed')) });
    await using own = await ownConfig(executor);
    await using pool = createPool(square, { config: own.config });
    await expect(pool.run(1)).rejects.toThrow('nothing deployed');
  });
});

describe('a kernel that is given', () => {
  test('is used, and left alone by close', async () => {
    await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
    const pool = createPool(square, { kernel: run.kernel });
    expect(await pool.run(2)).toBe(4);
    expect(await pool.load()).toBe(run.kernel);
    await pool.close();
    await expect(pool.run(2)).rejects.toMatchObject({ code: 'KERNEL_CLOSED' });
    expect(await app(square, { kernel: run.kernel })(3)).toBe(9);
  });

  test('an app keeps its options and its kernel', async () => {
    await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
    const flaky = app(
      (n: number, io: Io) => {
        if (io.attempt < 3) throw new Error('once more');
        return n * io.attempt;
      },
      { name: 'flaky', io: true, retries: 2, kernel: run.kernel },
    );
    await using pool = createPool(flaky);
    expect(await pool.run(5)).toBe(15);
    expect(await pool.map([1, 2])).toEqual([3, 6]);
  });
});

describe('run', () => {
  test('rejects with what the app threw, as it was thrown', async () => {
    await using own = await ownConfig();
    await using pool = createPool(boom, { config: own.config });
    const error = await failureOf<RangeError>(pool.run(3));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'item 3', limit: 2 });
  });

  test('rejects, and does not throw, when the argument cannot be sent', async () => {
    await using own = await ownConfig();
    await using pool = createPool((x: unknown) => x, { config: own.config, name: 'same' });
    await pool.load();
    await expect(pool.run(() => 1)).rejects.toMatchObject({ code: 'NOT_SENDABLE' });
  });

  test('takes futures of the kernel, and what other runs returned', async () => {
    await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
    await using pool = createPool(square, { kernel: run.kernel });
    const two = app(() => 2, { name: 'two', kernel: run.kernel })();
    expect(await pool.run(pool.run(pool.run(two)))).toBe(256);
  });

  test('takes a signal, a walltime and a priority, which are for this run only', async () => {
    const executor = new ScriptedExecutor({
      before: ({ priority }, signal) => (priority === 9 ? untilAborted(signal) : undefined),
    });
    await using own = await ownConfig(executor);
    await using pool = createPool(square, { config: own.config });
    await pool.load();
    const stop = new AbortController();
    const held = failureOf<SluiceError>(pool.run(1, { signal: stop.signal, walltimeMs: 5_000, priority: 9 }));
    expect(await pool.run(2)).toBe(4);
    expect(executor.submitted[0]).toMatchObject({ walltimeMs: 5_000, priority: 9 });
    expect(executor.submitted[1]).not.toHaveProperty('walltimeMs');
    stop.abort('enough');
    expect(await held).toMatchObject({ code: 'CANCELLED', cause: 'enough' });
  });
});

describe('map', () => {
  test('resolves with all results in the order of the items', async () => {
    await using own = await ownConfig();
    await using pool = createPool(square, { config: own.config });
    expect(await pool.map([3, 1, 2])).toEqual([9, 1, 4]);
    expect(await pool.map(new Set([pool.run(2), 5]))).toEqual([16, 25]);
    expect(await pool.map([])).toEqual([]);
  });

  test('rejects with the first failure and cancels the rest', async () => {
    const executor = new ScriptedExecutor({
      before: ({ taskId }, signal) => (taskId === 0 ? untilAborted(signal) : undefined),
    });
    await using own = await ownConfig(executor);
    await using pool = createPool(boom, { config: own.config });
    await expect(pool.map([1, 3])).rejects.toThrow('item 3');
    const kernel = await pool.load();
    await kernel.waitForAll();
    expect(kernel.stats().byStatus).toMatchObject({ failed: 1, cancelled: 1 });
  });

  test('runs no more than concurrency at a time, and stops when its signal aborts', async () => {
    let most = 0;
    const executor: ScriptedExecutor = new ScriptedExecutor({
      before: () => {
        most = Math.max(most, executor.load().outstanding);
      },
    });
    await using own = await ownConfig(executor);
    await using pool = createPool(square, { config: own.config });
    expect(await pool.map(Array(20).fill(2), { concurrency: 3 })).toHaveLength(20);
    expect(most).toBe(3);
    const aborted = pool.map([1], { signal: AbortSignal.abort(new Error('enough')) });
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

test('options that do not fit are refused, and so is a function that cannot ship', () => {
  const error = thrownBy<SluiceError>(() =>
    createPool(square, { config: { retries: 1 }, kernel: {}, threads: 2 } as never),
  );
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  for (const key of ['threads', 'kernel']) expect(error.message).toContain(key);
  expect(thrownBy(() => createPool(square, { config: { asDefault: true } } as never))).toMatchObject({
    code: 'INVALID_OPTIONS',
  });
  expect(thrownBy(() => createPool((n: number) => n + outside))).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
});

const outside = 1;
