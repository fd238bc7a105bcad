import { setImmediate } from 'node:timers/promises';
import { app, type DataFlowKernel, type MapOptions, map, type SluiceError, type TaskEnvelope } from 'sluice';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let run: TemporaryRun;
let kernel: DataFlowKernel;
beforeAll(async () => {
  run = await temporaryRun({ executors: [new ScriptedExecutor({ capacity: 4 })] });
  kernel = run.kernel;
});
afterAll(() => run[Symbol.asyncDispose]());

const double = app((n: number) => n * 2, { name: 'double' });
const late = app(
  async ([value, ms]: readonly [number, number]) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return value;
  },
  { name: 'late' },
);
const boomAt = app(
  (n: number): number => {
    if (n >= 3) throw new RangeError(`item ${n}`);
    return n;
  },
  { name: 'boom-at' },
);

async function collect<R>(results: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const result of results) all.push(result);
  return all;
}

/** Counts up for ever, and notes how far it was read and whether it was closed. */
function counter(): { readonly items: Generator<number>; readonly log: { read: number; closed: boolean } } {
  const log = { read: 0, closed: false };
  function* items(): Generator<number> {
    try {
      for (;;) yield log.read++;
    } finally {
      log.closed = true;
    }
  }
  return { items: items(), log };
}

async function* asynchronous<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await setImmediate();
    yield item;
  }
}

/** An executor whose attempts end only when a test says so, or when they are given up. */
function held(): { executor: ScriptedExecutor; release: Map<number, () => void>; given: number[] } {
  const release = new Map<number, () => void>();
  const given: number[] = [];
  const before = ({ taskId }: TaskEnvelope, signal: AbortSignal): Promise<void> => {
    const released = new Promise<void>((resolve) => release.set(taskId, resolve));
    return Promise.race([
      released,
      untilAborted(signal).catch((reason) => Promise.reject(given.push(taskId) && reason)),
    ]);
  };
  return { executor: new ScriptedExecutor({ before, capacity: 4 }), release, given };
}

describe('results', () => {
  test('come in the order of the source, of a sync one and an async one', async () => {
    const items = [5, 1, 4, 2, 3];
    expect(await collect(map(double, items))).toEqual([10, 2, 8, 4, 6]);
    expect(await collect(map(double, new Set(items)))).toEqual([10, 2, 8, 4, 6]);
    expect(await collect(map(double, asynchronous(items)))).toEqual([10, 2, 8, 4, 6]);
  });

  test('come in order also when later ones are done first; as they are done, if asked for', async () => {
    const items = [400, 1, 200].map((ms, index): [number, number] => [index, ms]);
    expect(await collect(map(late, items))).toEqual([0, 1, 2]);
    expect(await collect(map(late, items, { ordered: false }))).toEqual([1, 2, 0]);
    expect(await collect(map(late, asynchronous(items), { ordered: false }))).toHaveLength(3);
  });

  test('of an empty source are none', async () => {
    expect(await collect(map(double, []))).toEqual([]);
    expect(await collect(map(double, asynchronous([])))).toEqual([]);
  });

  test('may be asked for before they are there, many at once', async () => {
    for (const source of [[1, 2, 3], asynchronous([1, 2, 3])]) {
      const results = map(double, source, { concurrency: 2 });
      const asked = Array.from({ length: 5 }, () => results.next());
      const end = { done: true, value: undefined };
      const value = (n: number) => ({ done: false, value: n });
      expect(await Promise.all(asked)).toEqual([value(2), value(4), value(6), end, end]);
    }
  });

  test('of ten thousand items all come, once each', async () => {
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const expected = items.map((n) => n * 2);
    expect(await collect(map(double, items, { concurrency: 64 }))).toEqual(expected);
    const unordered = await collect(map(double, items, { concurrency: 64, ordered: false }));
    expect(unordered.sort((a, b) => a - b)).toEqual(expected);
  });
});

describe('items', () => {
  test('may be futures and promises, and undefined', async () => {
    const items = [double(1), Promise.resolve(3), double(double(1))];
    expect(await collect(map(double, items))).toEqual([4, 6, 8]);
    const show = app((x: unknown) => String(x), { name: 'show' });
    expect(await collect(map(show, [undefined, null]))).toEqual(['undefined', 'null']);
  });

  test('that are arrays are one argument', async () => {
    const lengths = app((...args: number[][]) => [args.length, args[0]?.length], { name: 'lengths' });
    expect(await collect(map((item: number[]) => lengths(item), [[1, 2], []]))).toEqual([
      [1, 2],
      [1, 0],
    ]);
  });

  test('go to whatever a function makes of them', async () => {
    const plus = app((a: number, b: number) => a + b, { name: 'plus' });
    expect(await collect(map((n: number) => plus(n, 100), [1, 2]))).toEqual([101, 102]);
  });
});

describe('back-pressure', () => {
  test('nothing is read before the first result is asked for, and then concurrency items', async () => {
    const { items, log } = counter();
    const results = map(double, items, { concurrency: 3 });
    await setImmediate();
    expect(log.read).toBe(0);
    await results.next();
    expect(log.read).toBe(3);
    await kernel.waitForAll();
    expect(log.read).toBe(3);
    await results.next();
    expect(log.read).toBe(4);
    await results.return?.();
  });

  test.each([true, false])(
    'results in flight or held are never more than concurrency, ordered: %s',
    async (ordered) => {
      const { items, log } = counter();
      let taken = 0;
      for await (const _ of map(double, asynchronous(items), { concurrency: 5, ordered })) {
        expect(log.read - taken).toBeLessThanOrEqual(5 + 1);
        taken += 1;
        if (taken % 10 === 0) await kernel.waitForAll();
        if (taken === 100) break;
      }
      await vi.waitFor(() => expect(log.closed).toBe(true));
    },
  );

  test('by default 256 are', async () => {
    const { items, log } = counter();
    for await (const _ of map(double, items)) break;
    expect(log.read).toBe(256);
  });
});

describe('ends', () => {
  test.each<MapOptions>([{}, { ordered: false }])(
    'the first failure ends it with what was thrown: %o',
    async (options) => {
      const { items, log } = counter();
      const error = await failureOf<RangeError>(collect(map(boomAt, items, { ...options, concurrency: 4 })));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe('item 3');
      expect(log.closed).toBe(true);
      expect(log.read).toBeLessThan(10);
    },
  );

  test('a failure comes at once, also before results in front of it, and what is in flight is cancelled', async () => {
    const { executor, release, given } = held();
    await using own = await temporaryRun({ executors: [executor], asDefault: false });
    const failing = app(
      (n: number): number => {
        throw new RangeError(`item ${n}`);
      },
      { name: 'failing', kernel: own.kernel },
    );
    const results = map(failing, [1, 2, 3]);
    const first = results.next();
    await setImmediate();
    release.get(1)?.();
    await expect(first).rejects.toThrow(new RangeError('item 2'));
    expect(await results.next()).toEqual({ done: true, value: undefined });
    await own.kernel.waitForAll();
    expect(given).toEqual([0, 2]);
    expect(own.kernel.stats().byStatus).toMatchObject({ failed: 1, cancelled: 2 });
    expect(own.kernel.summary()).not.toContain('nobody');
  });

  test('an item that cannot be sent ends it, and the source is closed', async () => {
    const { items, log } = counter();
    const error = await failureOf<SluiceError>(
      collect(map((n: number) => double((n < 2 ? n : () => n) as number), items)),
    );
    expect(error).toMatchObject({ code: 'NOT_SENDABLE' });
    expect(log).toEqual({ read: 3, closed: true });
  });

  test('a source that throws ends it with that, and is not closed again', async () => {
    const broken = {
      *[Symbol.iterator]() {
        yield 1;
        throw new TypeError('no more');
      },
    };
    await expect(collect(map(double, broken))).rejects.toThrow(new TypeError('no more'));
    await expect(collect(map(double, asynchronous(broken)))).rejects.toThrow(new TypeError('no more'));
  });

  test('leaving the loop cancels what is in flight and closes the source', async () => {
    const { executor, release, given } = held();
    await using own = await temporaryRun({ executors: [executor], asDefault: false });
    const { items, log } = counter();
    const same = app((n: number) => n, { name: 'same', kernel: own.kernel });
    const loop = (async () => {
      for await (const first of map(same, asynchronous(items), { concurrency: 3 })) return first;
    })();
    while (release.size < 3) await setImmediate();
    release.get(0)?.();
    expect(await loop).toBe(0);
    expect(log.closed).toBe(true);
    await own.kernel.waitForAll();
    expect(given).toEqual(expect.arrayContaining([1, 2]));
    expect(own.kernel.stats().byStatus.cancelled).toBe(own.kernel.stats().byApp.same?.failed);
  });

  test('leaving it while the source has not answered does not wait for the source', async () => {
    const silent: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: () => new Promise(() => {}) }),
    };
    const results = map(double, silent);
    const asked = results.next();
    expect(await results.return?.()).toEqual({ done: true, value: undefined });
    expect(await asked).toEqual({ done: true, value: undefined });
  });

  test('leaving it waits until the source has closed, and tells of a source that cannot', async () => {
    const log: string[] = [];
    async function* closing(fails: boolean): AsyncGenerator<number> {
      try {
        for (;;) yield 1;
      } finally {
        await setImmediate();
        log.push('closed');
        // biome-ignore lint/correctness/noUnsafeFinally: a source that fails while it closes is what is tested
        if (fails) throw new TypeError('cannot close');
      }
    }
    for await (const _ of map(double, closing(false), { concurrency: 1 })) break;
    expect(log).toEqual(['closed']);
    const results = map(double, closing(true), { concurrency: 1 });
    await results.next();
    await expect(results.return?.()).rejects.toThrow('cannot close');
  });

  test('it can be disposed of before it began', async () => {
    const { items, log } = counter();
    {
      await using _results = map(double, items);
    }
    expect(log).toEqual({ read: 0, closed: false });
  });

  test('an aborted signal ends it, cancels what is in flight with the reason, and is let go of', async () => {
    const { executor, given } = held();
    await using own = await temporaryRun({ executors: [executor], asDefault: false });
    const { items, log } = counter();
    const stop = new AbortController();
    const same = app((n: number) => n, { name: 'same', kernel: own.kernel });
    const loop = collect(map(same, items, { concurrency: 3, signal: stop.signal }));
    await setImmediate();
    const reason = new Error('enough');
    stop.abort(reason);
    const error = await failureOf<SluiceError>(loop);
    expect(error).toMatchObject({ code: 'CANCELLED', cause: reason });
    expect(error.message).toBe('map was cancelled: enough');
    expect(log.closed).toBe(true);
    await own.kernel.waitForAll();
    expect(given).toEqual([0, 1, 2]);
    const again = map(same, items, { signal: stop.signal });
    await expect(again.next()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('options that do not fit, and what is no source', async () => {
    const wrong = { concurrency: 0, ordered: 1, buffer: 2 } as unknown as MapOptions;
    const error = thrownBy<SluiceError>(() => map(double, [], wrong));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    for (const key of ['concurrency', 'ordered', 'buffer']) expect(error.message).toContain(key);
    const source = 7 as unknown as number[];
    await expect(map(double, source).next()).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});
