import { type AppFuture, app, bash, type DataFlowKernel, type Io, JoinError, join, type SluiceError } from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let run: TemporaryRun;
let kernel: DataFlowKernel;
beforeAll(async () => {
  run = await temporaryRun({ executors: [new ScriptedExecutor({ capacity: 4 })] });
  kernel = run.kernel;
});
afterAll(() => run[Symbol.asyncDispose]());

const add = app((a: number, b: number) => a + b, { name: 'add' });
const boom = app(
  (message: string): number => {
    throw new RangeError(message);
  },
  { name: 'boom' },
);

describe('what a body returns', () => {
  test('one future gives its value', async () => {
    expect(await join((n: number, _io: Io) => add(n, 1), { name: 'one' })(1)).toBe(2);
  });

  test('an array of futures gives an array of values, an empty one an empty one', async () => {
    const many = join((n: number, _io: Io) => Array.from({ length: n }, (_, index) => add(index, 0)), { name: 'many' });
    expect(await many(3)).toEqual([0, 1, 2]);
    expect(await many(0)).toEqual([]);
  });

  test('objects of futures, at any depth, keep their shape', async () => {
    const shaped = join(() => ({ sum: add(1, 2), list: [[add(3, 4)], 'plain'], none: null }), { name: 'shaped' });
    expect(await shaped()).toEqual({ sum: 3, list: [[7], 'plain'], none: null });
  });

  test('the same future twice, and no future at all', async () => {
    const twice = join(
      () => {
        const one = add(1, 1);
        return [one, one];
      },
      { name: 'twice' },
    );
    expect(await twice()).toEqual([2, 2]);
    expect(await join(() => 'plain', { name: 'plain' })()).toBe('plain');
  });

  test('the future of a file gives the file', async () => {
    const write = bash((io) => io.sh`echo text > ${io.outputs[0]}`, { name: 'write' });
    const target = `${run.folder}/joined`;
    const made = join((to: string, _io: Io) => [write({ outputs: [to] }).outputs[0]], { name: 'made' });
    const [made0] = await made(target);
    expect(made0?.path).toBe(target);
  });

  test('a body may be async', async () => {
    const later = join(
      async (n: number, _io: Io): Promise<AppFuture<number>[]> => {
        const first = await add(n, 1);
        return [add(first, 1)];
      },
      { name: 'later' },
    );
    expect(await later(1)).toEqual([3]);
  });

  test('what cannot be sent is refused, with its path', async () => {
    const error = await failureOf<SluiceError>(join(() => [() => 1], { name: 'bad' })());
    expect(error).toMatchObject({ code: 'NOT_SENDABLE' });
    expect(error.message).toContain("the result of join 'bad' [0]");
  });
});

describe('what a body gets', () => {
  test('values in place of futures, and Io last', async () => {
    const seen = join((a: number, b: { deep: number[] }, io: Io) => [a, b, io.taskId, io.attempt, io.inputs.length], {
      name: 'seen',
    });
    const future = seen(add(1, 1), { deep: [add(2, 2)] });
    expect(await future).toEqual([2, { deep: [4] }, future.taskId, 1, 0]);
  });

  test('it may close over what it likes, and runs in the client', async () => {
    const here: number[] = [];
    await join((n: number, _io: Io) => here.push(n), { name: 'here' })(5);
    expect(here).toEqual([5]);
  });

  test('files in, as names: nothing is staged for it', async () => {
    const names = join((io) => [...io.inputs, ...io.outputs].map(({ url }) => url), { name: 'names' });
    const files = { inputs: ['s3://bucket/in'], outputs: ['s3://bucket/out'] } as const;
    expect(await names(files)).toEqual(['s3://bucket/in', 's3://bucket/out']);
  });

  test('no scratch folder, and it says why', async () => {
    const error = await failureOf<SluiceError>(join((io) => io.scratch, { name: 'scratch' })());
    expect(error.message).toContain("join 'scratch' has no scratch folder: it runs in the client");
  });

  test('io.sh, for the commands it hands on', async () => {
    const command = join((word: string, io: Io) => io.sh`echo ${word}`.text, { name: 'command' });
    expect(await command("it's")).toBe("echo 'it'\\''s'");
  });

  test('arguments beyond Io are refused', () => {
    const one = join((n: number, _io: Io) => n, { name: 'one' }) as unknown as (...args: unknown[]) => unknown;
    expect(thrownBy<SluiceError>(() => one(1, {}, 2)).message).toContain("'one' takes 1 argument(s)");
  });
});

describe('joins of joins', () => {
  test('fibonacci', async () => {
    const fibonacci: (n: number) => AppFuture<number> = join(
      (n: number, _io: Io): AppFuture<number> | number => (n < 2 ? n : add(fibonacci(n - 1), fibonacci(n - 2))),
      { name: 'fibonacci' },
    );
    expect(await fibonacci(10)).toBe(55);
  });

  test('dependents wait for the joined result', async () => {
    const slow = app(() => new Promise<number>((resolve) => setTimeout(() => resolve(40), 10)), { name: 'slow' });
    const inner = join(() => slow(), { name: 'inner' });
    const outer = join(() => inner(), { name: 'outer' });
    const sum = add(outer(), 2);
    expect(sum.status).toBe('waiting');
    expect(await sum).toBe(42);
  });

  test('a thousand deep', async () => {
    const deep: (n: number) => AppFuture<number> = join(
      (n: number, _io: Io): AppFuture<number> | number => (n === 0 ? 0 : deep(n - 1)),
      { name: 'deep' },
    );
    expect(await deep(1_000)).toBe(0);
  });
});

describe('failures', () => {
  test('an inner failure is a JoinError: root cause first, its cause the error itself', async () => {
    const failing = join(() => [add(1, 1), boom('inside')], { name: 'failing' });
    const future = failing();
    const error = await failureOf<JoinError>(future);
    expect(error).toBeInstanceOf(JoinError);
    expect(error).toMatchObject({ code: 'JOIN', class: 'app', taskId: future.taskId });
    const [inner] = error.failedTaskIds;
    expect(error.message).toBe(`inside [task ${inner} 'boom']; so the join task ${future.taskId} 'failing' failed`);
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  test('a failure further inside still comes first', async () => {
    const behind = join(() => add(boom('far inside'), 1), { name: 'behind' });
    const outer = join(() => behind(), { name: 'outer' });
    const error = await failureOf<JoinError>(outer());
    expect(error.message).toMatch(
      /^far inside \[task \d+ 'boom'\]; so the join task \d+ 'outer' failed \(it waits for/,
    );
    let root: unknown = error;
    while (root instanceof Error && root.cause !== undefined) root = root.cause;
    expect(root).toBeInstanceOf(RangeError);
  });

  test('two inner failures settle the join once', async () => {
    const two = join(() => [boom('a'), boom('b')], { name: 'two' });
    await expect(two()).rejects.toThrow(/^a \[task/);
    await kernel.waitForAll();
    expect(kernel.stats().byApp.two).toEqual({ total: 1, done: 0, failed: 1 });
  });

  test('a body that throws fails with what it threw, sync or async', async () => {
    class Mine extends TypeError {}
    const sync = join(
      () => {
        throw new Mine('sync');
      },
      { name: 'sync' },
    );
    const async = join(() => Promise.reject(new Mine('async')), { name: 'async' });
    expect(await failureOf(sync())).toBeInstanceOf(Mine);
    expect(await failureOf(async())).toBeInstanceOf(Mine);
  });

  test('a join whose argument failed does not run its body', async () => {
    let ran = 0;
    const never = join(
      (_: number, __: Io) => {
        ran += 1;
      },
      { name: 'never' },
    );
    await expect(never(boom('before'))).rejects.toMatchObject({ code: 'DEPENDENCY' });
    expect(ran).toBe(0);
  });
});
