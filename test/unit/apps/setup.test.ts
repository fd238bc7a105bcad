import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, bash, type DataFlowKernel, type Io, type SluiceError, ThreadPoolExecutor } from 'sluice';
import { createWorker } from 'sluice/worker';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { packageFiles, temporaryProject } from '../../fixtures/code-shipping/temporary-project.js';
import { WorkerExecutor } from '../../fixtures/code-shipping/worker-executor.js';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

interface Counter {
  /** Tells one run of the setup from another. */
  readonly id: string;
  uses: number;
}

let run: TemporaryRun;
let kernel: DataFlowKernel;
beforeAll(async () => {
  run = await temporaryRun({
    executors: [
      new ThreadPoolExecutor({ maxThreads: 1 }),
      new WorkerExecutor('apart', createWorker({ scratchRoot: join(tmpdir(), `sluice-setup-${process.pid}`) })),
    ],
    asDefault: false,
  });
  kernel = run.kernel;
});
afterAll(async () => {
  await run[Symbol.asyncDispose]();
  await rm(join(tmpdir(), `sluice-setup-${process.pid}`), { recursive: true, force: true });
});

describe.each(['threads', 'apart'])('a setup on %s', (label) => {
  const place = () => ({ kernel, executors: [label] });

  test('runs once a worker, and its value is io.context of every task', async () => {
    const use = app(
      (by: number, io: Io<Counter>) => {
        io.context.uses += by;
        return { ...io.context };
      },
      {
        name: 'use',
        io: true,
        ...place(),
        setup: async (): Promise<Counter> => ({ id: crypto.randomUUID(), uses: 0 }),
      },
    );
    const uses = await Promise.all([use(1), use(1), use(1)]);
    expect(new Set(uses.map(({ id }) => id)).size).toBe(1);
    expect(uses.map((each) => each.uses).sort()).toEqual([1, 2, 3]);
    expect((await use(1)).uses).toBe(4);
  });

  test('may keep a timer, as a pool of connections does: the worker and the context stay', async () => {
    const use = app((_: number, io: Io<{ id: string }>) => io.context.id, {
      io: true,
      name: 'keepsTimer',
      setup: () => ({ id: crypto.randomUUID(), beat: Number(setInterval(() => {}, 1_000).hasRef()) }),
      ...place(),
    });
    const ids = [await use(0), await use(1), await use(2)];
    expect(new Set(ids).size).toBe(1);
  });

  test('is shared by apps that have the same', async () => {
    const setup = () => ({ id: crypto.randomUUID() });
    const first = app((io) => io.context.id, { name: 'first', io: true, ...place(), setup });
    const second = app((io) => `${io.context.id}`, { name: 'second', io: true, ...place(), setup });
    const other = app((io) => io.context.id, {
      name: 'other',
      io: true,
      ...place(),
      setup: () => ({ id: `${crypto.randomUUID()} other` }),
    });
    expect(await second()).toBe(await first());
    expect(await other()).not.toBe(await first());
  });

  test('that throws fails the task with its own error, and the next task tries again', async () => {
    const flag = join(run.folder, `tries-${label}`);
    // Its source has to hold the path: it takes no arguments.
    const setup = new Function(`return async () => {
      const { appendFileSync, readFileSync } = await import('node:fs');
      appendFileSync('${flag}', 'x');
      if (readFileSync('${flag}', 'utf8') === 'x') throw new RangeError('not yet');
      return 'ready';
    }`)() as () => Promise<string>;
    const use = app((io) => io.context, { name: 'careful', io: true, ...place(), setup });
    const failure = await failureOf<RangeError>(use());
    expect(failure).toBeInstanceOf(RangeError);
    expect(failure.message).toBe('not yet');
    expect(await use()).toBe('ready');
    expect(await use()).toBe('ready');
    expect(await readFile(flag, 'utf8')).toBe('xx');
  });

  test('serves commands too', async () => {
    const said = bash(
      (word: string, io: Io<{ greeting: string }>) => io.sh`echo ${io.context.greeting} ${word} > ${io.outputs[0]}`,
      {
        name: 'said',
        kernel,
        executors: ['threads'],
        setup: () => ({ greeting: 'hello' }),
      },
    );
    const call = said('you', { outputs: [join(run.folder, `said-${label}`)] });
    expect(await readFile((await call.outputs[0]).path, 'utf8')).toBe('hello you\n');
  });
});

test('what a setup imports goes along, in one bundle with what the app imports', async () => {
  await using project = await temporaryProject({
    ...packageFiles('model', 'export class Model { constructor(n) { this.n = n } }'),
    'flow.mjs': `export default (app, options) => app(
      async (factor, io) => [io.context.n * factor, io.context instanceof (await import('model')).Model],
      { name: 'predict', io: true, ...options, setup: async () => new (await import('model')).Model(7) },
    );`,
  });
  const { default: define } = await import(/* @vite-ignore */ project.url('flow.mjs'));
  for (const label of ['apart', 'threads']) {
    expect(await define(app, { kernel, executors: [label] })(6), label).toEqual([42, true]);
  }
  // The setup alone has something to bring along.
  await project.write({
    'alone.mjs': `export default (app, options) => app((io) => io.context,
      { name: 'alone', io: true, ...options, setup: async () => new (await import('model')).Model(8).n },
    );`,
  });
  const { default: alone } = await import(/* @vite-ignore */ project.url('alone.mjs'));
  expect(await alone(app, { kernel, executors: ['apart'] })()).toBe(8);
});

describe('what a setup made is disposed of when its worker is closed', () => {
  test.each([
    ['asynchronously', 'asyncDispose'],
    ['at once', 'dispose'],
  ] as const)('%s', async (_, method) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-setup-'));
    try {
      process.env.SLUICE_SETUP_FLAG = join(folder, 'disposed');
      process.env.SLUICE_SETUP_METHOD = method;
      await using own = await temporaryRun({
        executors: [new WorkerExecutor('apart', createWorker({ scratchRoot: folder }))],
        asDefault: false,
      });
      const use = app((io) => typeof io.context, {
        name: 'use',
        io: true,
        kernel: own.kernel,
        setup: async () => {
          const { writeFileSync } = await import('node:fs');
          const symbol = process.env.SLUICE_SETUP_METHOD === 'dispose' ? Symbol.dispose : Symbol.asyncDispose;
          return { [symbol]: () => writeFileSync(process.env.SLUICE_SETUP_FLAG as string, 'yes') };
        },
      });
      expect(await use()).toBe('object');
      await expect(readFile(join(folder, 'disposed'), 'utf8')).rejects.toThrow('ENOENT');
      await own.kernel.close();
      expect(await readFile(join(folder, 'disposed'), 'utf8')).toBe('yes');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('refused at the definition', () => {
  test('a setup without Io, which could give its value to nobody', () => {
    const error = thrownBy<SluiceError>(() => app(() => 1, { name: 'bare', setup: () => 1 } as object));
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(error.message).toContain("app 'bare' has a setup, whose value is io.context");
    expect(error.message).toContain('{ io: true }');
  });

  test('a setup that uses what workers do not have, and what is no function', () => {
    const outside = 3;
    const error = thrownBy<SluiceError>(() => app((_) => 1, { name: 'with', io: true, setup: () => outside }));
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
    expect(error.message).toContain("app 'with setup' cannot be sent to a worker: workers will not have `outside`");
    expect(thrownBy(() => app((_) => 1, { name: 'with', io: true, setup: 3 } as never))).toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});

test('the context has the type of what the setup gives, awaited', () => {
  const never = (_: () => unknown): void => {};
  never(() => {
    const predict = app((text: string, io: Io<{ score(of: string): number }>) => io.context.score(text), {
      io: true,
      setup: async () => ({ score: (of: string) => of.length }),
    });
    expectTypeOf(predict('x').then((value) => value)).toEqualTypeOf<Promise<number>>();
    app((io) => expectTypeOf(io.context).toEqualTypeOf<Date>(), { io: true, setup: async () => new Date() });
    app((io) => expectTypeOf(io.context).toEqualTypeOf<undefined>(), { io: true });
    // @ts-expect-error the setup gives a number
    app((io: Io<string>) => io.context, { io: true, setup: () => 1 });
    // @ts-expect-error a setup is for functions that get Io
    app(() => 1, { setup: () => 1 });
  });
});
