import { readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { app, apps, bash, type DataFlowKernel, type Io, ThreadPoolExecutor } from 'sluice';
import { createWorker } from 'sluice/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mapRemoteStack } from '../../../../src/wire/code-shipping/stack/map-stack.js';
import { PROJECT } from '../../../fixtures/code-shipping/bundle-source.js';
import type * as tasks from '../../../fixtures/code-shipping/tasks.js';
import {
  packageFiles,
  type TemporaryProject,
  temporaryProject,
} from '../../../fixtures/code-shipping/temporary-project.js';
import { WorkerExecutor } from '../../../fixtures/code-shipping/worker-executor.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';
import { type TemporaryRun, temporaryRun } from '../../../fixtures/kernel/temporary-run.js';

const HERE = fileURLToPath(import.meta.url);
const TASKS = fileURLToPath(new URL('../../../fixtures/code-shipping/tasks.ts', import.meta.url));
const WORDS = fileURLToPath(new URL('../../../fixtures/code-shipping/words.ts', import.meta.url));

/** `path:line:column` of the place in a file that a marker stands behind, where its line is unique. */
async function placeOf(path: string, text: string): Promise<string> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const line = lines.findIndex((each) => each.includes(text));
  return `${path}:${line + 1}:${(lines[line] ?? '').indexOf(text) + 1}`;
}

/** Places of the first frames of a stack. */
const placesOf = (error: Error): string[] =>
  (error.stack ?? '').split('\n').flatMap((line) => /^\s*at (?:.*\()?(.*?)\)?$/.exec(line)?.[1] ?? []);

let run: TemporaryRun;
let kernel: DataFlowKernel;
let project: TemporaryProject;
beforeAll(async () => {
  project = await temporaryProject(packageFiles('only-here', 'export const one = 1;'));
  const apart = createWorker({ scratchRoot: join(project.path, 'scratch') });
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

describe.each(['threads', 'apart'])('the stack of a failure on %s', (label) => {
  const on = () => ({ kernel, executors: [label] });

  test('points at the line of the function in the file that was written', async () => {
    interface Deep {
      readonly name: string;
    }
    const failing = app(
      // A comment, and types, that compilers drop.
      async (value: { deep: Deep }): Promise<string> => {
        const inner = (given: { deep: Deep }): string => given.deep.name.concat('marker one');
        return inner(value);
      },
      { name: 'failing (as told)', ...on() },
    );
    const error = await failureOf<Error & { remote: { stack: string } }>(failing({} as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(placesOf(error)[0]).toBe(await placeOf(HERE, "name.concat('marker one')"));
    expect(placesOf(error)[1]).toMatch(`${HERE}:`);
    expect(error.remote.stack).toBe(error.stack);
    expect(error.stack).not.toContain('sluice-app:');
  });

  test('does so for methods, for the causes of an error, and for its parts', async () => {
    const holder = {
      failing(_: Io): string {
        const cause = new RangeError('marker two');
        throw new AggregateError([new TypeError('marker three')], 'marker four', { cause });
      },
    };
    const error = await failureOf<AggregateError>(bash(holder.failing, on())());
    expect(placesOf(error)[0]).toBe(await placeOf(HERE, "new AggregateError([new TypeError('marker"));
    expect(placesOf(error.cause as Error)[0]).toBe(await placeOf(HERE, "new RangeError('marker two"));
    expect(placesOf(error.errors[0])[0]).toBe(await placeOf(HERE, "new TypeError('marker three"));
  });

  test('points at the setup, where it is that which failed', async () => {
    const setup = () => {
      throw new RangeError('marker five');
    };
    const error = await failureOf<Error>(app((_) => 1, { name: 'use', io: true, ...on(), setup })());
    expect(placesOf(error)[0]).toBe(await placeOf(HERE, "new RangeError('marker five"));
  });

  test('points into the TypeScript of a module, and of what it imports', async () => {
    const { fails, shout } = apps<typeof tasks>(new URL('../../../fixtures/code-shipping/tasks.js', import.meta.url), {
      ...on(),
      exports: { place: { io: true } },
    });
    expect(placesOf(await failureOf<Error>(fails({} as never)))[0]).toBe(await placeOf(TASKS, 'name);'));
    const places = placesOf(await failureOf<Error>(shout('')));
    expect(places[0]).toBe(await placeOf(WORDS, "new RangeError('nothing"));
    expect(places[1]).toMatch(`${TASKS}:`);
  });
});

test('the stack of a function that was bundled for what it imports points at the file as well', async () => {
  await project.write({
    'flow.mjs': `export default (app, options) => app(async (text) => {
      const { one } = await import('only-here');
      return text.nothing.here + one;
    }, { name: 'bundled', ...options });`,
  });
  const { default: define } = await import(/* @vite-ignore */ project.url('flow.mjs'));
  const error = await failureOf<Error>(define(app, { kernel, executors: ['apart'] })('text'));
  expect(placesOf(error)[0]).toBe(await placeOf(join(project.path, 'flow.mjs'), 'here + one'));
});

test('so does that of a setup in such a bundle', async () => {
  await project.write({
    'setup.mjs': `export default (app, options) => app(
      async (io) => (await import('only-here')).one + io.context,
      {
        ...options, name: 'bundled', io: true,
        setup: async () => {
          const { one } = await import('only-here');
          return one.nothing.here;
        },
      });`,
  });
  const { default: define } = await import(/* @vite-ignore */ project.url('setup.mjs'));
  const error = await failureOf<Error>(define(app, { kernel, executors: ['apart'] })());
  expect(placesOf(error)[0]).toBe(await placeOf(join(project.path, 'setup.mjs'), 'here;'));
});

test('the stack of a method on one line points at its column', async () => {
  await project.write({
    'method.mjs': `export default (app, options) => app(
      { withANameLongerThanFunction(text) { throw new RangeError(text); } }.withANameLongerThanFunction,
      { name: 'method', ...options });`,
  });
  const { default: define } = await import(/* @vite-ignore */ project.url('method.mjs'));
  const error = await failureOf<Error>(define(app, { kernel, executors: ['threads'] })('text'));
  expect(placesOf(error)[0]).toBe(await placeOf(join(project.path, 'method.mjs'), 'new RangeError'));
});

test('what is not known here stays as the worker wrote it', () => {
  const code = { name: 'x', kind: 'function', source: '', hash: '', io: false, arity: 0, definedIn: '' } as const;
  const stack = `Error: at /a/sluice-app:x:1:1
    at f (file:///worker/sluice-app:x:1:1)
    at async file:///tmp/${'0'.repeat(64)}.mjs:1:2
    at node:fs:1:1`;
  expect(mapRemoteStack(stack, code)).toBe(stack);
});

/** A flow as users run one, whose task fails at the line that says so. */
const FLOW = `import { app, load } from 'sluice';

interface Given {
  readonly text?: string;
}

await using flow = await load({ runDir: process.argv[2] as string });
const failing = app(
  async (given: Given): Promise<number> => {
    const { sep } = await import('only-here');
    // Lines that some compilers drop.

    const length = (value: Given): number => value.text!.length + sep.length;
    return length(given);
  },
  { name: 'failing' },
);
const error = (await failing({}).then(() => undefined, (reason: unknown) => reason)) as Error;
console.log(error.stack);
`;

const node24 = process.env.SLUICE_NODE24;
const missing = node24 === undefined ? ' [skipped: SLUICE_NODE24 does not name a Node 24 binary]' : '';

describe('a flow run from a terminal imports what its own project has, and its stacks are its own', () => {
  const failingPlace = 'length + sep.length';

  test('as tsx runs it', async () => {
    await using flow = await flowProject();
    expect(await flow.firstPlace(['--import', import.meta.resolve('tsx'), 'flow.ts'])).toBe(
      await placeOf(flow.file('flow.ts'), failingPlace),
    );
  });

  test.each([
    ['with its source map', ['--sourceMap'], [], 'flow.ts'],
    ['with its source map, in a process that reads it', ['--inlineSourceMap'], ['--enable-source-maps'], 'flow.ts'],
    ['without one', [], [], 'flow.js'],
  ])('as tsc compiles it, %s', async (_, compilerFlags, nodeFlags, file) => {
    await using flow = await flowProject();
    await flow.compile(compilerFlags);
    expect(await flow.firstPlace([...nodeFlags, 'flow.js'])).toBe(await placeOf(flow.file(file), failingPlace));
  });

  test('as tsc compiled it, its source map left behind', async () => {
    await using flow = await flowProject();
    await flow.compile(['--sourceMap']);
    await rm(flow.file('flow.js.map'));
    expect(await flow.firstPlace(['flow.js'])).toBe(await placeOf(flow.file('flow.js'), failingPlace));
  });

  test.skipIf(node24 === undefined)(`as Node 24 strips its types${missing}`, async () => {
    await using flow = await flowProject();
    expect(await flow.firstPlace(['flow.ts'], node24 as string)).toBe(
      await placeOf(flow.file('flow.ts'), failingPlace),
    );
  });
});

async function flowProject(): Promise<
  AsyncDisposable & {
    file(name: string): string;
    compile(flags: readonly string[]): Promise<void>;
    /** Runs the flow and gives the first place of the stack it prints. */
    firstPlace(args: readonly string[], node?: string): Promise<string | undefined>;
  }
> {
  const flow = await temporaryProject({
    'flow.ts': FLOW,
    ...packageFiles('only-here', "export const sep = '/';"),
    'node_modules/only-here/index.d.ts': 'export const sep: string;',
  });
  await symlink(PROJECT, join(flow.path, 'node_modules/sluice'), 'dir');
  return {
    file: (name) => join(flow.path, name),
    async compile(flags) {
      const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc');
      const options = ['--target', 'es2023', '--module', 'nodenext', '--skipLibCheck', '--noCheck', ...flags];
      await execa(process.execPath, [tsc, 'flow.ts', '--ignoreConfig', ...options], { cwd: flow.path });
    },
    async firstPlace(args, node = process.execPath) {
      const { stdout } = await execa(node, [...args, join(flow.path, 'runs')], { cwd: flow.path });
      expect(stdout).toMatch(/^TypeError: Cannot read properties of undefined/);
      return placesOf({ name: '', message: '', stack: stdout })[0];
    },
    [Symbol.asyncDispose]: () => flow[Symbol.asyncDispose](),
  };
}
