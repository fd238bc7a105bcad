import { app, type DataFlowKernel, SluiceError, ThreadPoolExecutor } from 'sluice';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../../../fixtures/kernel/temporary-run.js';

// One thread: what one task does to it, the next one would feel.
let run: TemporaryRun;
let kernel: DataFlowKernel;
beforeAll(async () => {
  run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1, maxHeapMiB: 64 })] });
  kernel = run.kernel;
});
afterAll(() => run[Symbol.asyncDispose]());

const next = app((n: number) => n + 1, { name: 'next' });
afterEach(async () => {
  expect(await next(1)).toBe(2);
});

describe('what a function throws', () => {
  test('an Error of a built-in class, with its cause, fields and the remote stack', async () => {
    const fail = app(
      () => {
        throw Object.assign(new RangeError('too far', { cause: new TypeError('why') }), { limit: 7 });
      },
      { name: 'fail' },
    );
    const error = await failureOf<RangeError & { limit: number; remote: object }>(fail());
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'too far', limit: 7 });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.stack).toContain('bad-input.test.ts');
    expect(error.remote).toMatchObject({ app: 'fail', executor: 'threads', attempt: 1 });
  });

  test('an Error of a class of its own arrives with its name and fields', async () => {
    const fail = app(
      () => {
        class QuotaError extends Error {
          override readonly name = 'QuotaError';
          readonly left = 3;
        }
        throw new QuotaError('spent');
      },
      { name: 'fail' },
    );
    expect(await failureOf(fail())).toMatchObject({ name: 'QuotaError', message: 'spent', left: 3 });
  });

  test.each([null, undefined, 'a string', 42, { a: 1 }])(
    '%j is an error that says so, and holds it',
    async (thrown) => {
      const fail = app(
        (value: unknown) => {
          throw value;
        },
        { name: 'fail' },
      );
      const error = await failureOf<SluiceError>(fail(thrown));
      expect(error).toBeInstanceOf(SluiceError);
      expect(error).toMatchObject({ code: 'NON_ERROR_THROWN', class: 'app' });
      expect(error.cause).toEqual(thrown);
      expect(error.message).toContain("app 'fail' threw");
    },
  );

  test('a module that is not there is named', async () => {
    const missing = app(async () => import('no-such-module-here' as 'node:path'), { name: 'missing' });
    expect((await failureOf<Error>(missing())).message).toContain('no-such-module-here');
  });
});

describe('what ends the thread', () => {
  test.each([0, 3])('process.exit(%i) is TASK_EXITED', async (code) => {
    const exits = app((with_: number) => process.exit(with_), { name: 'exits' });
    const error = await failureOf<SluiceError>(exits(code));
    expect(error).toMatchObject({ code: 'TASK_EXITED', class: 'app' });
    expect(error.message).toMatch(new RegExp(`^task \\d+ 'exits' ended its thread with process\\.exit\\(${code}\\)`));
  });

  test('an error thrown in a callback while the function runs is TASK_EXITED', async () => {
    const throws = app(
      () =>
        new Promise((resolve) => {
          setTimeout(() => {
            throw new RangeError('in a callback');
          }, 1);
          setTimeout(resolve, 10_000);
        }),
      { name: 'throws' },
    );
    const error = await failureOf<SluiceError>(throws());
    expect(error).toMatchObject({ code: 'TASK_EXITED', class: 'app' });
    expect(error.message).toContain("'throws' left an error uncaught, which ended its thread: in a callback");
    expect(error.cause).toMatchObject({ message: 'in a callback' });
  });

  test('a rejection that nobody handles is TASK_EXITED of the task that left it', async () => {
    const leaves = app(
      () => {
        Promise.reject(new Error('left alone'));
        return 1;
      },
      { name: 'leaves' },
    );
    const error = await failureOf<SluiceError>(leaves());
    expect(error).toMatchObject({ code: 'TASK_EXITED' });
    expect(error.message).toContain("'leaves' left an error uncaught, which ended its thread: left alone");
  });

  test('a heap that is full is OUT_OF_MEMORY, with what to do', async () => {
    const hoards = app(
      () => {
        const kept: number[][] = [];
        for (;;) kept.push(new Array<number>(10_000).fill(1.5));
      },
      { name: 'hoards' },
    );
    const error = await failureOf<SluiceError>(hoards());
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', class: 'app' });
    expect(error.message).toContain('maxHeapMiB');
  });
});

describe('what would run on into the next task', () => {
  const slow = app((ms: number) => new Promise<string>((resolve) => setTimeout(() => resolve('slept'), ms)), {
    name: 'slow',
  });

  test('a timer that a task left does not throw in the next one', async () => {
    const leaves = app(
      () => {
        setTimeout(() => {
          throw new Error('too late');
        }, 100);
        return 'left a timer';
      },
      { name: 'leaves' },
    );
    expect(await leaves()).toBe('left a timer');
    expect(await slow(200)).toBe('slept');
  });

  test('an interval that a task left does not run on', async () => {
    const leaves = app(
      async (path: string) => {
        const { appendFileSync } = await import('node:fs');
        setInterval(() => appendFileSync(path, 'x'), 1);
        return 1;
      },
      { name: 'leaves' },
    );
    await leaves(`${run.folder}/beats`);
    const { existsSync, readFileSync } = await import('node:fs');
    const beats = (): number => (existsSync(`${run.folder}/beats`) ? readFileSync(`${run.folder}/beats`).length : 0);
    await slow(20);
    const before = beats();
    await slow(50);
    expect(beats()).toBe(before);
  });

  test('a function given up at its walltime does not go on', async () => {
    const beats = app(
      async (path: string) => {
        const { appendFile } = await import('node:fs/promises');
        for (;;) await appendFile(path, 'x');
      },
      { name: 'beats' },
    );
    const path = `${run.folder}/walltime`;
    await expect(beats.with({ walltimeMs: 500 })(path)).rejects.toMatchObject({ code: 'WALLTIME' });
    await slow(20);
    const { statSync } = await import('node:fs');
    const before = statSync(path).size;
    await slow(50);
    expect(statSync(path).size).toBe(before);
  });
});

describe('what never returns', () => {
  const loop = app(
    () => {
      for (;;);
    },
    { name: 'loop' },
  );

  test('an endless loop ends at its walltime', async () => {
    const error = await failureOf<SluiceError>(loop.with({ walltimeMs: 100 })());
    expect(error).toMatchObject({ code: 'WALLTIME', class: 'app' });
    expect(error.message).toMatch(/^task \d+ 'loop' ran longer than its walltime of 100 ms/);
  });

  test('an endless loop ends when it is cancelled', async () => {
    const future = loop();
    future.cancel('enough');
    await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('a promise that never settles ends at its walltime', async () => {
    const waits = app(() => new Promise(() => {}), { name: 'waits', walltimeMs: 50 });
    await expect(waits()).rejects.toMatchObject({ code: 'WALLTIME' });
  });

  test('a walltime counts from the start of the task, not from the call', async () => {
    const busy = app(
      (ms: number) => {
        for (const until = Date.now() + ms; Date.now() < until; );
        return 1;
      },
      { name: 'busy' },
    );
    expect(await Promise.all([1, 2, 3].map(() => busy.with({ walltimeMs: 400 })(150)))).toEqual([1, 1, 1]);
  });

  test('a walltime is not left ticking when the task ends before it', async () => {
    expect(await next.with({ walltimeMs: 60_000 })(1)).toBe(2);
    const fails = app(
      () => {
        throw new Error('before');
      },
      { name: 'fails' },
    );
    await expect(fails.with({ walltimeMs: 60_000 })()).rejects.toThrow('before');
    await kernel.waitForAll();
  });
});
