import { apps, type DataFlowKernel, type SluiceError } from 'sluice';
import { createWorker, type TaskRunner } from 'sluice/worker';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type * as tasks from '../../fixtures/code-shipping/tasks.js';
import {
  packageFiles,
  type TemporaryProject,
  temporaryProject,
} from '../../fixtures/code-shipping/temporary-project.js';
import { WorkerExecutor } from '../../fixtures/code-shipping/worker-executor.js';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const TASKS = new URL('../../fixtures/code-shipping/tasks.js', import.meta.url);

let apart: TaskRunner;
let run: TemporaryRun;
let kernel: DataFlowKernel;
let project: TemporaryProject;
beforeAll(async () => {
  project = await temporaryProject({});
  apart = createWorker({ scratchRoot: `${project.path}/scratch` });
  const { ThreadPoolExecutor } = await import('sluice');
  run = await temporaryRun({
    executors: [new ThreadPoolExecutor({ maxThreads: 1 }), new WorkerExecutor('apart', apart)],
    asDefault: false,
  });
  kernel = run.kernel;
});
afterAll(async () => {
  await run[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

describe.each(['threads', 'apart'])('the functions of a module on %s', (label) => {
  const typed = () =>
    apps<typeof tasks>(TASKS, { kernel, executors: [label], exports: { place: { io: true, name: 'placed' } } });

  test('are apps, of a TypeScript module that has not been compiled too', async () => {
    const { count, shout } = typed();
    expect(await count('a b c')).toBe(3);
    expect(await shout(shout('hey'))).toBe('HEY!!');
    expect(count('').appName).toBe('count');
  });

  test('share the variables of the module, which is loaded once a worker', async () => {
    const { next } = typed();
    const first = await next();
    expect(await next()).toBe(first + 1);
    expect(await typed().next()).toBe(first + 2);
  });

  test('get Io where their options say so, after the parameters as they are written', async () => {
    const { place } = typed();
    // A call that leaves arguments out leaves Io where it is.
    expect(await (place as unknown as (first: number) => PromiseLike<unknown>)(1)).toEqual([1, 2]);
    const outputs = [`${run.folder}/placed-${label}`] as const;
    const call = place.with({ outputs })(1, undefined);
    expect(call.appName).toBe('placed');
    expect(await call).toEqual([1, 2, outputs[0]]);
    expect((await call.outputs[0]).url).toContain(`placed-${label}`);
  });

  test('that the module does not have fail their task, naming those it has', async () => {
    const { nothing } = typed() as unknown as { nothing: () => PromiseLike<unknown> };
    const error = await failureOf<SluiceError>(nothing());
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE', class: 'usage' });
    expect(error.message).toMatch(
      /tasks\.ts exports no function 'nothing', but 'count', 'fails', 'next', 'place', 'shout', 'where'\n {2}defined at .*module-apps\.test\.ts:\d+:\d+/,
    );
  });

  test('of a CommonJS module work the same', async () => {
    await project.write({
      'old.cjs': "const os = require('node:os'); exports.eol = () => os.EOL; exports.at = () => __filename;",
    });
    const old = apps<{ eol(): string; at(): string; nothing(): void }>(project.url('old.cjs'), {
      kernel,
      executors: [label],
    });
    expect(await old.eol()).toBe('\n');
    expect(await old.at()).toMatch(label === 'threads' ? /\/old\.cjs$/ : /\/scratch\/code\/\w+\.mjs$/);
    const error = await failureOf<SluiceError>(old.nothing());
    expect(error.code).toBe('CODE_NOT_SHIPPABLE');
    expect(error.message).toContain("exports no function 'nothing'; its functions are 'eol', 'at'");
  });
});

describe('what a module imports', () => {
  const versioned = (version: string) =>
    packageFiles(
      'versioned',
      `export const version = '${version}'; export const at = import.meta.url; export const state = { reads: 0 };`,
    );

  test('comes from where it is installed on workers that see the project, and goes along to others', async () => {
    await project.write({
      ...versioned('1'),
      'lib/rate.ts': 'export const rate: number = 3;',
      'flow/tasks.ts': `
        import { at, version } from 'versioned';
        import { rate } from '../lib/rate.js';
        export const told = () => ({ at, version, rate, here: import.meta.url });`,
    });
    type Tasks = { told(): { at: string; version: string; rate: number; here: string } };
    const on = (label: string) => apps<Tasks>(project.url('flow/tasks.js'), { kernel, executors: [label] });
    const shared = await on('threads').told();
    expect(shared).toEqual({
      version: '1',
      rate: 3,
      at: project.url('node_modules/versioned/index.js'),
      here: project.url('flow/tasks.ts'),
    });
    const { at, here, ...rest } = await on('apart').told();
    expect(rest).toEqual({ version: '1', rate: 3 });
    expect([at, here]).toEqual([expect.stringContaining('/scratch/code/'), at]);
  });

  test('is one and the same for all modules on a worker that sees the project', async () => {
    await project.write({
      ...versioned('2'),
      'one.ts': "import { state } from 'versioned'; export const reads = () => ++state.reads;",
      'two.ts': "import { state } from 'versioned'; export const reads = () => (state.reads += 1);",
    });
    const on = { kernel, executors: ['threads'] };
    const [one, two] = ['one.ts', 'two.ts'].map((file) => apps<{ reads(): number }>(project.url(file), on));
    const first = await one?.reads();
    expect([first, await two?.reads()]).toEqual([1, 2]);
  });

  test('and cannot be found is named', async () => {
    await project.write({ 'lost.ts': "import 'not-there'; export const f = () => 1;" });
    const error = await failureOf<SluiceError>(apps<{ f(): number }>(project.url('lost.ts'), { kernel }).f());
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
    expect(error.message).toContain("its import 'not-there' cannot be resolved from");
  });

  test('and what it does when it is loaded may fail the task, as itself', async () => {
    await project.write({ 'throws.ts': "throw new RangeError('at once'); export const f = () => 1;" });
    const { f } = apps<{ f(): number }>(project.url('throws.ts'), { kernel, executors: ['apart'] });
    await expect(f()).rejects.toThrow(RangeError);
  });
});

describe('refused at the definition', () => {
  test('a module that is not there, and what is no file', () => {
    expect(thrownBy(() => apps(project.url('nowhere.js')))).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`there is no module ${project.path}/nowhere.js`),
    });
    expect(thrownBy(() => apps('./tasks.js'))).toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(thrownBy(() => apps(new URL('https://host/tasks.js')))).toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  test('options that do not exist, for the module and for one export', () => {
    const url = project.url('package.json');
    for (const options of [
      { nope: 1 },
      { exports: { f: { nope: 1 } } },
      { exports: { f: 1 } },
      { name: 'all' },
      { exports: { f: { setup: () => 1 } } },
    ]) {
      expect(
        thrownBy(() => apps(url, options as object)),
        JSON.stringify(options),
      ).toMatchObject({
        code: 'INVALID_OPTIONS',
      });
    }
  });

  test('Io behind parameters whose number is not fixed', async () => {
    await project.write({ 'rest.ts': 'export const all = (...args) => args; export const made = [].concat.bind([]);' });
    type Rest = { all(...args: unknown[]): unknown; made(): unknown };
    const options = { kernel, exports: { all: { io: true }, made: { io: true } } } as object;
    const { all, made } = apps<Rest>(project.url('rest.ts'), options);
    for (const call of [all(1), made()]) {
      const error = await failureOf<SluiceError>(call);
      expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
      expect(error.message).toContain('the place of Io after the parameters of');
    }
  });
});

test('the apps of a module are no promise, and each is made once', async () => {
  const all = apps<typeof tasks>(TASKS, { kernel, exports: { place: { io: true } } });
  expect(await Promise.resolve(all)).toBe(all);
  expect(all.count).toBe(all.count);
});

afterEach(() => kernel.waitForAll());
