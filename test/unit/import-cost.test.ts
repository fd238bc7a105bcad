import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** URLs of the modules that a fresh process has loaded once it has imported these. */
async function loadedBy(...names: string[]): Promise<readonly string[]> {
  // What runs off the main thread is told of every module, whatever imports or requires it.
  const hooks = `import { writeSync } from 'node:fs';
    export async function load(url, context, next) {
      writeSync(1, url + '\\n');
      return next(url, context);
    }`;
  const script = `import Module, { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    for (const name of ${JSON.stringify(names)}) await import(name);
    for (const path of Object.keys(Module._cache)) console.log(path);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    maxBuffer: 16 * 2 ** 20,
  });
  return stdout.trim().split('\n');
}

// Loaded by the first app, task, bash command or executor that needs them, and not by whoever imports the package.
const HEAVY = [
  '@aws-sdk',
  '@smithy',
  '@google-cloud',
  'google-auth-library',
  'piscina',
  'acorn',
  'eslint-scope',
  'esbuild',
  'execa',
  'fastify',
  'commander',
  'undici',
  'ssh2',
  'ssh-config',
  'basic-ftp',
  '@globus/sdk',
];

const heavyIn = (modules: readonly string[]): readonly string[] =>
  HEAVY.filter((name) => modules.some((url) => url.includes(`/node_modules/${name}/`)));

test("importing 'sluice' loads no cloud's SDK, no thread pool, no parser and no bundler", async () => {
  const modules = await loadedBy('sluice');
  expect(modules.some((url) => url.endsWith('/dist/kernel/dataflow-kernel.js'))).toBe(true);
  expect(heavyIn(modules)).toEqual([]);
  // Of stagings their descriptions alone.
  expect(modules.filter((url) => /staging-options|store.s3.|store.gcs.|check-built-in/.test(url))).toEqual([]);
});

test("importing 'sluice/aws' loads no SDK either, before an executor starts", async () => {
  const modules = await loadedBy('sluice', 'sluice/aws');
  expect(modules.some((url) => url.endsWith('/dist/executors/lambda/lambda-executor.js'))).toBe(true);
  expect(heavyIn(modules)).toEqual([]);
});

test("importing 'sluice/gcp' loads no SDK either, before a store is asked", async () => {
  const modules = await loadedBy('sluice', 'sluice/gcp');
  expect(modules.some((url) => url.endsWith('/dist/object-store/gcs/gcs-store.js'))).toBe(true);
  expect(heavyIn(modules)).toEqual([]);
});

test("importing 'sluice/hpc' loads nothing heavy", async () => {
  const modules = await loadedBy('sluice', 'sluice/hpc');
  expect(modules.some((url) => url.endsWith('/dist/providers/local/local-provider.js'))).toBe(true);
  expect(heavyIn(modules)).toEqual([]);
});

test('what a module loads on its way is seen, whether it imports or requires it', async () => {
  const modules = await loadedBy('piscina', '@aws-sdk/client-lambda', '@google-cloud/storage');
  expect(heavyIn(modules)).toEqual(['@aws-sdk', '@smithy', '@google-cloud', 'google-auth-library', 'piscina']);
});
