import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createWorker, type TaskRunner } from 'sluice/worker';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCodeShipper } from '../../../../src/wire/code-shipping/bundle/code-shipper.js';
import { captureFunction } from '../../../../src/wire/code-shipping/capture.js';
import { type CodeDestination, mustBeBundled } from '../../../../src/wire/code-shipping/ship-code.js';
import { decode, encodeCall } from '../../../../src/wire/codec.js';
import { decodeError } from '../../../../src/wire/error-codec.js';
import type { AppCode } from '../../../../src/wire/task-envelope.js';
import {
  packageFiles,
  type TemporaryProject,
  temporaryProject,
} from '../../../fixtures/code-shipping/temporary-project.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

const APART: CodeDestination = { sharesProject: false, sharesFilesystem: false };

let project: TemporaryProject;
let worker: TaskRunner;
let ship: ReturnType<typeof createCodeShipper>;
beforeEach(async () => {
  project = await temporaryProject({
    ...packageFiles('only-here', "import { sub } from 'beneath'; export const name = 'only-here over ' + sub;"),
    ...packageFiles('beneath', "export const sub = 'beneath';"),
    ...packageFiles(
      'old-style',
      "const os = require('os'); exports.place = typeof __dirname + typeof __filename; exports.eol = os.EOL; exports.late = (name) => typeof require(name);",
      {},
    ),
    'flows/beside.ts': "export const name: string = 'beside';",
  });
  worker = createWorker({ scratchRoot: join(project.path, 'scratch') });
  ship = createCodeShipper({ folder: join(project.path, 'code') });
});
afterEach(async () => {
  await worker.close();
  await project[Symbol.asyncDispose]();
});

/** The code of an app that a module in the project's folder `flows` defines. */
function codeOf(fn: string | ((...args: never[]) => unknown), name = 'mine'): AppCode {
  const definedAt = `    at ${project.url('flows/flow.js')}:12:15`;
  const callable = typeof fn === 'string' ? (new Function(`return (${fn})`)() as () => unknown) : fn;
  const { parameterCount, hasRest: _, ...captured } = captureFunction(callable, { kind: 'function', name, definedAt });
  return { ...captured, kind: 'function', io: false, arity: parameterCount };
}

let taskId = 0;
async function run(app: AppCode, args: readonly unknown[] = [], on = worker): Promise<unknown> {
  const { bytes, files } = encodeCall(args, []);
  const outcome = await on.run({
    version: 1,
    runId: 'run',
    taskId: ++taskId,
    attempt: 1,
    app,
    call: bytes,
    slots: [],
    files,
    outputs: [],
  });
  if (outcome.kind === 'error') throw decodeError(outcome.error);
  return outcome.value.kind === 'inline' ? decode(outcome.value.bytes) : undefined;
}

describe('a function on a worker that does not see the project', () => {
  test('has the packages it imports, and those they import, beside it', async () => {
    const code = codeOf("async (greeting) => greeting + ', ' + (await import('only-here')).name");
    await expect(run(code, ['hello'])).rejects.toThrow("Cannot find package 'only-here'");
    const shipped = await ship(code, APART);
    await rm(join(project.path, 'node_modules'), { recursive: true });
    expect(await run(shipped, ['hello'])).toBe('hello, only-here over beneath');
  });

  test('has modules of the project, TypeScript too, and those that Vite named', async () => {
    const code = codeOf(`async () => {
      const { name } = await import('./beside.ts');
      const again = await __vite_ssr_dynamic_import__('/flows/beside.ts');
      const url = await import('${project.url('flows/beside.ts')}');
      const known = await __vite_ssr_dynamic_import__('node:path');
      return [name, again === url, typeof known.join];
    }`);
    expect(await run(await ship(code, APART))).toEqual(['beside', true, 'function']);
  });

  test('may import CommonJS packages that use what CommonJS has', async () => {
    const code = codeOf(`async () => {
      const { default: old, place } = await import('old-style');
      return [place, old.eol, old.late('node:fs')];
    }`);
    expect(await run(await ship(code, APART))).toEqual(['stringstring', '\n', 'object']);
  });

  test('keeps what compilers rely on, and lowered syntax', async () => {
    const code = codeOf(`async () => {
      const { name } = await import('only-here');
      const inner = __name(() => 1, 'renamed');
      return [inner.name, name.length > 0];
    }`);
    expect(await run(await ship(code, APART))).toEqual(['renamed', true]);
  });

  test('finds the names of classes kept, though two modules have the same', async () => {
    await project.write({
      ...packageFiles('first', "export class Twin extends Error {}; export { Twin as Other } from 'second';"),
      ...packageFiles('second', 'export class Twin extends Error {}'),
    });
    const code = codeOf(
      "async () => { const { Twin, Other } = await import('first'); return [Twin.name, Other.name] }",
    );
    expect(await run(await ship(code, APART))).toEqual(['Twin', 'Twin']);
  });

  test('leaves an optional import that is not installed to fail where it is caught', async () => {
    const code = codeOf("async () => import('not-installed').catch(({ code }) => code)");
    expect(await run(await ship(code, APART))).toBe('ERR_MODULE_NOT_FOUND');
  });
});

describe('what cannot be bundled is refused', () => {
  const refusal = async (code: AppCode) => {
    const error = await failureOf<Error>(ship(code, APART));
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE', class: 'usage' });
    return error.message;
  };

  test('naming the import, the app, and the module it cannot be resolved from', async () => {
    const message = await refusal(codeOf("async () => import('no-such')", 'count'));
    expect(message).toContain("app 'count' cannot be sent to a worker: its import 'no-such' cannot be resolved from");
    expect(message).toContain(join(project.path, 'flows/flow.js'));
    expect(message).toContain('executors whose workers share your project');
  });

  test('naming the file where a package lacks what it imports', async () => {
    await project.write(packageFiles('broken', "\nimport 'missing-inside'; export const x = 1;"));
    const message = await refusal(codeOf("async () => import('broken')"));
    expect(message).toMatch(
      /its import 'missing-inside' cannot be resolved from .*node_modules\/broken\/index\.js:2:8/,
    );
  });

  test.each([
    ['an addon it loads by name', "module.exports = require('./build/machine.node')", {}, 'build/machine.node'],
    ['an addon it builds', 'module.exports = 1', {}, 'binding.gyp'],
    ['an addon it says it has', 'module.exports = 1', { napi: { name: 'machine' } }, 'other'],
  ])('a package with %s', async (_, text, manifest, file) => {
    await project.write(packageFiles('machine', text, manifest));
    await project.write({ [`node_modules/machine/${file}`]: '' });
    const message = await refusal(codeOf("async () => import('machine')", 'native'));
    expect(message).toContain("app 'native' cannot be sent to a worker: it needs 'machine', which has a native addon");
  });

  test('each time in the name of the app that asked, and without trying again', async () => {
    const first = codeOf("async () => import('no-such')", 'first');
    expect(await refusal(first)).toContain("app 'first'");
    expect(await refusal(codeOf("async () => import('no-such')", 'second'))).toContain("app 'second'");
    await project.write(packageFiles('no-such', 'export {}'));
    expect(await refusal(first)).toContain("app 'first'");
  });
});

describe('how a bundle travels', () => {
  test('code is made once, whoever asks, and code with the same content shares it', async () => {
    const [one, two] = [
      codeOf("async () => (await import('only-here')).name"),
      codeOf("async () => (await import('only-here')).name", 'other'),
    ];
    const [first, second] = await Promise.all([ship(one, APART), ship(one, APART)]);
    expect(second).toBe(first);
    await rm(join(project.path, 'node_modules'), { recursive: true });
    expect(await ship(two, APART)).toMatchObject({ name: 'other', hash: first.hash, bundle: first.bundle, source: '' });
  });

  test('as text for workers with a disk of their own, as a file for those that see this one', async () => {
    const code = codeOf("async () => (await import('only-here')).name");
    const { bundle } = await ship(code, APART);
    expect(bundle).toMatchObject({ kind: 'inline', text: expect.stringContaining('only-here over') });
    const seen = await ship(code, { sharesProject: false, sharesFilesystem: true });
    expect(seen.bundle).toEqual({
      kind: 'reference',
      hash: bundle?.hash,
      url: project.url(`code/${bundle?.hash}.mjs`),
    });
    expect(await run(seen)).toBe('only-here over beneath');
    expect(await readdir(join(project.path, 'code'))).toEqual([`${bundle?.hash}.mjs`]);
  });

  test('a worker keeps it as one file, and loads it once', async () => {
    const shipped = await ship(codeOf("async () => (await import('only-here')).name"), APART);
    await Promise.all([run(shipped), run(shipped)]);
    const kept = join(project.path, 'scratch/code');
    expect((await readdir(kept)).filter((name) => name.endsWith('.mjs'))).toEqual([`${shipped.bundle?.hash}.mjs`]);
    // What has been loaded is not read again.
    await rm(kept, { recursive: true });
    expect(await run(shipped)).toBe('only-here over beneath');
    await expect(readdir(kept)).rejects.toThrow('ENOENT');
  });

  test('a kept file that was changed is not run', async () => {
    const shipped = await ship(codeOf("async () => (await import('only-here')).name"), APART);
    const kept = join(project.path, 'scratch/code');
    await project.write({ 'scratch/code/placeholder': '' });
    await writeFile(join(kept, `${shipped.bundle?.hash}.mjs`), "throw new Error('changed')");
    expect(await run(shipped)).toBe('only-here over beneath');
  });

  test('a text that does not have its hash is PROTOCOL', async () => {
    const shipped = await ship(codeOf("async () => (await import('only-here')).name"), APART);
    const changed = {
      ...shipped,
      bundle: { kind: 'inline', hash: shipped.bundle?.hash ?? '', text: 'export {}' },
    } as const;
    await expect(run(changed)).rejects.toMatchObject({ code: 'PROTOCOL' });
  });

  test('code that imports nothing of the project is never bundled', () => {
    const plain = codeOf("async () => typeof (await import('node:fs')).readFile");
    const importing = codeOf("async () => import('only-here')");
    const shared = { sharesProject: true, sharesFilesystem: true };
    expect([plain, importing].map((code) => mustBeBundled(code, APART))).toEqual([false, true]);
    expect([plain, importing].map((code) => mustBeBundled(code, shared))).toEqual([false, false]);
  });
});

test('one source in two modules of a shared project imports what each of them has', async () => {
  await project.write({
    'flows/nested/node_modules/only-here/package.json': '{ "type": "module", "main": "./index.js" }',
    'flows/nested/node_modules/only-here/index.js': "export const name = 'nested';",
  });
  const shared = createWorker({ sharesProject: true, scratchRoot: join(project.path, 'scratch') });
  const code = codeOf("async () => (await import('only-here')).name");
  const nested = { ...code, definedIn: project.url('flows/nested/flow.js') };
  const names = [await run(code, [], shared), await run(nested, [], shared), await run(code, [], shared)];
  expect(names).toEqual(['only-here over beneath', 'nested', 'only-here over beneath']);
  await shared.close();
});

describe('the bundler', () => {
  const dist = (path: string) => new URL(`../../../../dist/${path}`, import.meta.url);

  test('is loaded by the first code that needs it, not by the import of the package', async () => {
    const script = `
      const { Module } = await import('node:module');
      const loaded = () => Object.keys(Module._cache).filter((path) => path.includes('/node_modules/esbuild/')).length;
      await import('${dist('index.js')}');
      const before = loaded();
      const { runEsbuild } = await import('${dist('wire/code-shipping/bundle/run-esbuild.js')}');
      await runEsbuild({ entry: { text: 'export {}', folder: process.cwd() }, packages: 'inside' });
      console.log(before, loaded() > 0);`;
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', script], { cwd: project.path });
    expect(stdout).toBe('0 true');
  });

  test('is no part of the worker that is deployed', async () => {
    expect(await readFile(dist('lambda-bundle/index.mjs'), 'utf8')).not.toContain('ESBUILD_BINARY_PATH');
  });
});
