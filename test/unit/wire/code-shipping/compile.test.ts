import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { compileFunction } from '../../../../src/wire/code-shipping/compile.js';
import { bundleSource, temporaryFolder } from '../../../fixtures/code-shipping/bundle-source.js';

const PLACE = { sharesProject: false, runnerUrl: import.meta.url };

describe('a compiled function', () => {
  const compile = (source: string, name = 'count') => compileFunction({ source, name, definedIn: '' }, PLACE);

  test('is strict, and has no this', () => {
    expect(compile('function () { return this }')()).toBeUndefined();
    expect(() => compile('() => { undeclared = 1 }')()).toThrow(ReferenceError);
  });

  test('lives in the realm of its caller', () => {
    expect(() => compile('() => { throw new TypeError("its own") }')()).toThrow(TypeError);
    expect(compile('() => [new Map()]')()).toEqual([new Map()]);
    expect(compile('(value) => value instanceof Array')([])).toBe(true);
  });

  test('is the file sluice-app:<name> in stacks, at the lines of its source', () => {
    const error = errorOf(compile('(fn) => {\n  return fn.call.me();\n}', 'my app'));
    expect(error.stack).toMatch(/code-shipping\/sluice-app:my%20app:2:18\)?$/m);
  });

  test('is refused when this Node does not understand its syntax, or it is no function', () => {
    const notShippable = (message: unknown) => expect.objectContaining({ code: 'CODE_NOT_SHIPPABLE', message });
    expect(() => compile('() => { a b }')).toThrow(
      notShippable(
        `app 'count' has syntax that Node ${process.version} does not understand: Unexpected identifier 'b'; compile it for the Node version of the workers, or run them on a newer one`,
      ),
    );
    expect(() => compile('1 + 1')).toThrow(notShippable("the source of app 'count' is not a function but number"));
  });
});

describe('imports of a function compiled in a worker thread, from a bundle', () => {
  const load = (specifier: string) => `async () => (await import('${specifier}')).name`;
  const viteLoad = (specifier: string) => `async () => (await __vite_ssr_dynamic_import__('${specifier}')).name`;

  test('resolve from the module that defined it where the project is shared', async () => {
    await using folder = await projectAndRunner();
    const results = await folder.runInThread({ sharesProject: true }, [
      load('shared'),
      load('only-project'),
      load('./beside.js'),
      "async () => typeof (await import('node:fs')).readFileSync",
    ]);
    expect(results).toEqual([
      'shared of the project',
      'only-project of the project',
      'beside of the project',
      'function',
    ]);
  });

  test('resolve from the worker itself where it is not', async () => {
    await using folder = await projectAndRunner();
    const results = await folder.runInThread({ sharesProject: false }, [
      load('shared'),
      load('only-project'),
      "async () => typeof (await import('node:fs')).readFileSync",
    ]);
    expect(results).toEqual([
      'shared of the runner',
      expect.stringContaining("Cannot find package 'only-project'"),
      'function',
    ]);
  });

  test('that Vite rewrote are found again', async () => {
    await using folder = await projectAndRunner();
    const sources = [
      viteLoad('/node_modules/shared/index.js'),
      viteLoad(`/@fs${folder.path}/project/node_modules/shared/index.js?v=1`),
      viteLoad('/flows/beside.js'),
      "async () => typeof (await __vite_ssr_dynamic_import__('node:fs', {})).readFileSync",
    ];
    const inProject = await folder.runInThread({ sharesProject: true }, sources);
    expect(inProject).toEqual(['shared of the project', 'shared of the project', 'beside of the project', 'function']);
    const elsewhere = await folder.runInThread({ sharesProject: false }, sources);
    const missing = expect.stringContaining("Cannot find module '/flows/beside.js'");
    expect(elsewhere).toEqual(['shared of the runner', 'shared of the runner', missing, 'function']);
  });
});

/** A project with its packages and a runner elsewhere with its own, in a temporary folder. */
async function projectAndRunner(): Promise<
  AsyncDisposable & {
    readonly path: string;
    runInThread(place: { sharesProject: boolean }, sources: readonly string[]): Promise<unknown>;
  }
> {
  const folder = await temporaryFolder();
  const [project, runner] = [join(folder.path, 'project'), join(folder.path, 'runner')];
  await writePackage(project, 'shared', 'project');
  await writePackage(project, 'only-project', 'project');
  await writePackage(runner, 'shared', 'runner');
  await mkdir(join(project, 'flows'));
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await writeFile(join(project, 'flows', 'beside.js'), "export const name = 'beside of the project';");
  await bundleSource(runner, THREAD);
  const definedIn = pathToFileURL(join(project, 'flows', 'flow.js')).href;
  return {
    path: folder.path,
    runInThread: ({ sharesProject }, sources) =>
      runInThread(
        join(runner, 'bundle.mjs'),
        sources.map((source) => ({ source, definedIn, sharesProject })),
      ),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
import { compileFunction } from './wire/code-shipping/compile.js';

const runs = workerData.map(async ({ source, definedIn, sharesProject }) => {
  const code = { source, definedIn, name: 'load' };
  return compileFunction(code, { sharesProject, runnerUrl: import.meta.url })().catch(String);
});
Promise.all(runs).then((results) => parentPort.postMessage(results));
`;

/** What the functions gave, in order. The thread must not print anything, Node's warnings included. */
async function runInThread(thread: string, workerData: unknown): Promise<unknown> {
  const worker = new Worker(thread, { workerData, stderr: true });
  let stderr = '';
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let results: unknown;
  worker.once('message', (value) => {
    results = value;
  });
  // A thread that ends at once gives its message and its exit in the same turn.
  await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  expect(stderr).toBe('');
  return results;
}

async function writePackage(root: string, name: string, owner: string): Promise<void> {
  const folder = join(root, 'node_modules', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports: './index.js' }));
  await writeFile(join(folder, 'index.js'), `export const name = '${name} of the ${owner}';`);
}

function errorOf(fn: (...args: unknown[]) => unknown): Error {
  try {
    fn({});
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
