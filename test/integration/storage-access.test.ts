import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  app,
  bash,
  type Config,
  customStaging,
  type DataFile,
  type Executor,
  file,
  fileStaging,
  HighThroughputExecutor,
  type Io,
  identitiesOf,
  listFiles,
  type SluiceError,
  type StorageAccess,
  s3Staging,
  ThreadPoolExecutor,
} from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import { LocalProvider } from 'sluice/hpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elsewhere } from '../fixtures/htex/elsewhere.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../fixtures/kernel/temporary-run.js';
import { temporaryFolder } from '../unit/data/temporary-folder.js';
import { keysIn } from './bucket-cloud.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';

const own = (name: string) => new URL(`../fixtures/staging/own/${name}.ts`, import.meta.url);
const labelled = (label: string, folder: string, match?: string) =>
  customStaging(own('labelled'), { label, folder }, match === undefined ? {} : { match });

let cloud: DeployedCloud;
beforeAll(async () => {
  cloud = await startDeployedCloud();
}, 60_000);
afterAll(() => cloud?.close());

/** Apps of a run: what a file holds, and one that writes its output. */
function appsOf({ kernel }: TemporaryRun, executor?: string) {
  const where = executor === undefined ? {} : { executors: [executor] };
  const read = app(
    async (text: DataFile) => {
      const { readFile } = await import('node:fs/promises');
      return readFile(text.path, 'utf8');
    },
    { name: 'read', kernel, ...where },
  );
  const write = bash((text: string, io: Io) => io.sh`echo ${text} > ${io.outputs[0]}; echo said; echo warned >&2`, {
    name: 'write',
    kernel,
    ...where,
  });
  return { read: (url: string) => read(file(url)), write };
}

const linesOf = async (folder: string, name: string) =>
  (await readFile(join(folder, name), 'utf8')).trimEnd().split('\n');

/** Executors by name; those elsewhere see nothing of the client's disk. */
async function configOn(name: string, stack: AsyncDisposable[], storageAccess: StorageAccess): Promise<Config> {
  const htex = { maxWorkersPerNode: 1 };
  const executor = async (): Promise<Executor> => {
    switch (name) {
      case 'threads':
        return new ThreadPoolExecutor({ maxThreads: 1 });
      case 'pilots':
        return new HighThroughputExecutor({ ...htex, provider: new LocalProvider() });
      case 'pilots elsewhere': {
        const place = await elsewhere();
        stack.push(place);
        return new HighThroughputExecutor({ ...htex, provider: place.provider() });
      }
      default:
        return new LambdaExecutor({ maxConcurrency: 1, bucket: cloud.bucket });
    }
  };
  return { executors: [await executor()], storageAccess };
}

describe.each(['threads', 'pilots', 'pilots elsewhere', 'lambda'])('a list of stagings, on %s', (name) => {
  test('is asked in its order: the first that knows a URL moves it, and Sluice’s own what none of them knows', async () => {
    const folder = await temporaryFolder();
    const stack: AsyncDisposable[] = [];
    try {
      const list = [labelled('special', folder, 'lab://one/'), labelled('general', folder), labelled('never', folder)];
      await using run = await temporaryRun(await configOn(name, stack, list));
      const { read, write } = appsOf(run);
      expect(await read('lab://one/x')).toBe('special brought lab://one/x');
      expect(await read('lab://onetwo/x')).toBe('general brought lab://onetwo/x');
      await write('a', { outputs: ['lab://one/a.txt'] });
      await write('b', { outputs: ['lab://two/b.txt'] });
      expect(await readFile(join(folder, 'special-a.txt'), 'utf8')).toBe('a\n');
      expect(await readFile(join(folder, 'general-b.txt'), 'utf8')).toBe('b\n');
      await write('c', { outputs: [`s3://${cloud.bucket}/c.txt`] });
      expect(await read(`s3://${cloud.bucket}/c.txt`)).toBe('c\n');
    } finally {
      for (const one of stack) await one[Symbol.asyncDispose]();
    }
  });

  test('a module is loaded once a worker, and asked once for each list', async () => {
    const folder = await temporaryFolder();
    const stack: AsyncDisposable[] = [];
    try {
      const list = [labelled('one', folder, 'lab://one/'), labelled('two', folder)];
      await using run = await temporaryRun(await configOn(name, stack, list));
      const { read } = appsOf(run);
      for (const url of ['lab://one/x', 'lab://two/y', 'lab://one/z']) await read(url);
      const made = (await linesOf(folder, 'made.txt')).map((line) => line.split(' '));
      expect(made.map(([, label]) => label)).toEqual(['one', 'two']);
      expect(new Set(made.map(([loading]) => loading)).size).toBe(1);
    } finally {
      for (const one of stack) await one[Symbol.asyncDispose]();
    }
  });

  test('with only these, no other moves a file; what the run moves for itself still comes', async () => {
    const folder = await temporaryFolder();
    const stack: AsyncDisposable[] = [];
    try {
      const only = [labelled('lab', folder), fileStaging()];
      await using run = await temporaryRun(await configOn(name, stack, { only }));
      const { read, write } = appsOf(run);
      expect(await read('lab://one/x')).toBe('lab brought lab://one/x');
      const error = await failureOf<SluiceError>(read(`s3://${cloud.bucket}/c.txt`));
      expect(error).toMatchObject({ code: 'NO_STAGING' });
      expect(error.message).toContain('known here are lab:, file:');
      const stdout = join(folder, 'out.log');
      if (name !== 'pilots elsewhere') await write('d', { outputs: ['lab://one/d.txt'], stdout });
      if (name !== 'pilots elsewhere') expect(await readFile(stdout, 'utf8')).toBe('said\n');
    } finally {
      for (const one of stack) await one[Symbol.asyncDispose]();
    }
  });
});

describe('a list of stagings', () => {
  test('of an executor counts instead of the run’s', async () => {
    const folder = await temporaryFolder();
    const executors = [
      new ThreadPoolExecutor({ label: 'plain', maxThreads: 1 }),
      new ThreadPoolExecutor({ label: 'own', maxThreads: 1, storageAccess: [labelled('of the executor', folder)] }),
      new ThreadPoolExecutor({ label: 'none', maxThreads: 1, storageAccess: [] }),
    ];
    await using run = await temporaryRun({ executors, storageAccess: [labelled('of the run', folder)] });
    expect(await appsOf(run, 'plain').read('lab://a/x')).toBe('of the run brought lab://a/x');
    expect(await appsOf(run, 'own').read('lab://a/x')).toBe('of the executor brought lab://a/x');
    const error = await failureOf<SluiceError>(appsOf(run, 'none').read('lab://a/x'));
    expect(error).toMatchObject({ code: 'NO_STAGING' });
    const added = new ThreadPoolExecutor({ label: 'added', maxThreads: 1, storageAccess: [labelled('added', folder)] });
    await run.kernel.addExecutors([added]);
    expect(await appsOf(run, 'added').read('lab://a/x')).toBe('added brought lab://a/x');
  });

  test('stages in what is read, once, and out what is written, and nothing both ways', async () => {
    const folder = await temporaryFolder();
    await using run = await temporaryRun({ storageAccess: [labelled('lab', folder)] });
    const { read, write } = appsOf(run);
    await read('lab://a/x');
    await write('text', { outputs: ['lab://a/y.txt'] });
    expect(await linesOf(folder, 'calls.txt')).toEqual(['in lab://a/x', 'out lab://a/y.txt']);
  });

  test('travels with tasks that have files, encoded once, and with no others', async () => {
    const folder = await temporaryFolder();
    const executor = new ScriptedExecutor();
    await using run = await temporaryRun({ executors: [executor], storageAccess: [labelled('lab', folder)] });
    const { read, write } = appsOf(run);
    await read('lab://a/x');
    await app((n: number) => n, { name: 'plain', kernel: run.kernel })(1);
    await write('text', { outputs: ['lab://a/y.txt'] });
    await app(() => 1, { name: 'logged', kernel: run.kernel }).with({ stdout: 'AUTO' })();
    const [first, plain, second, logged] = executor.submitted;
    expect(first?.storage?.bundles).toHaveLength(1);
    expect(plain !== undefined && 'storage' in plain).toBe(false);
    expect(second?.storage).toBe(first?.storage);
    expect(logged?.storage).toBe(first?.storage);
  });

  test('is for the client’s own questions too: that of the loaded run, or one that is given', async () => {
    const folder = await temporaryFolder();
    const urls = async (storageAccess?: StorageAccess) => {
      const found = await listFiles('lab://a/', storageAccess === undefined ? {} : { storageAccess });
      return found.map(({ url }) => url);
    };
    {
      await using _run = await temporaryRun({ storageAccess: [labelled('run', folder)] });
      expect(await urls()).toEqual(['lab://a/run.txt']);
      expect(await urls([labelled('given', folder)])).toEqual(['lab://a/given.txt']);
      expect((await identitiesOf(['lab://a/x'])).get('lab://a/x')?.size).toBe('run'.length);
    }
    await expect(urls()).rejects.toMatchObject({ code: 'NO_STAGING' });
    const given = { storageAccess: [labelled('alone', folder)] };
    expect((await identitiesOf(['lab://a/x'], given)).get('lab://a/x')?.size).toBe('alone'.length);
    expect((await linesOf(folder, 'closed.txt')).sort()).toEqual(['alone', 'given', 'run', 'run']);
  });

  test('large modules lie in the bucket, once, until the run ends', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'large.ts');
    const text = await readFile(own('labelled'), 'utf8');
    await writeFile(path, `${text}\nexport const LARGE = ${JSON.stringify('x'.repeat(200_000))};\n`);
    const storageAccess = [customStaging(new URL(`file://${path}`), { label: 'large', folder })];
    {
      const executors = [new LambdaExecutor({ maxConcurrency: 1, bucket: cloud.bucket })];
      await using run = await temporaryRun({ executors, storageAccess });
      const { read } = appsOf(run);
      for (const url of ['lab://a/x', 'lab://a/y']) expect(await read(url)).toBe(`large brought ${url}`);
      const kept = (await keysIn(cloud.bucket)).filter((key) => key.includes('/code/'));
      expect(kept).toHaveLength(1);
    }
    expect((await keysIn(cloud.bucket)).filter((key) => key.includes('/code/'))).toEqual([]);
  });

  test('options of built-in ones reach the worker: another endpoint for some of the URLs', async () => {
    await using run = await temporaryRun({
      executors: [new ThreadPoolExecutor({ maxThreads: 1 })],
      storageAccess: [
        s3Staging({ match: 's3://nowhere/', endpoint: 'http://127.0.0.1:9', retry: { attempts: 1 } }),
        s3Staging({ endpoint: cloud.endpoint }),
      ],
    });
    const { read, write } = appsOf(run);
    await write('here', { outputs: [`s3://${cloud.bucket}/here.txt`] });
    expect(await read(`s3://${cloud.bucket}/here.txt`)).toBe('here\n');
    const error = await failureOf<SluiceError>(read('s3://nowhere/x'));
    expect(error.message).toContain('ECONNREFUSED');
  });
});

test('what one staging brought is not another’s, though URL, version and size are the same', async () => {
  const directory = await temporaryFolder();
  const on = (label: string, text: string) =>
    new ThreadPoolExecutor({ label, maxThreads: 1, storageAccess: [customStaging(own('versioned'), { text })] });
  const executors = [on('one', 'from one'), on('two', 'from two')];
  await using run = await temporaryRun({ executors, cache: { directory } });
  for (const label of ['one', 'two', 'one']) expect(await appsOf(run, label).read('ver://x/a')).toBe(`from ${label}`);
  expect(run.kernel.stats().byExecutor).toMatchObject({
    one: { cacheHits: 1, cacheMisses: 1 },
    two: { cacheHits: 0, cacheMisses: 1 },
  });
});

describe('a module of the user’s that', () => {
  const loading = (name: string) => temporaryRun({ storageAccess: [customStaging(own(name))] });

  test.each([
    ['makes its staging by no default export', 'no-default', /exports no function 'default'|exports no function by/],
    ['fails to make it', 'fails-to-make', /fails-to-make\.ts could not make its staging: no such service/],
    ['makes none', 'no-staging', /no-staging\.ts made no Staging: it lacks canStageOut, stageOut, identity, close/],
  ])('%s is said to', async (_, name, text) => {
    const failed = async () => {
      await using run = await loading(name);
      return await appsOf(run).read('half://a/x');
    };
    const error = await failureOf<SluiceError>(failed());
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
    expect(error.message).toMatch(text);
  });

  test('imports what there is not is refused by load, and the executors can be used again', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'imports-nothing.ts');
    await writeFile(path, "import x from 'no-such-package';\nexport default () => x;\n");
    const executors = [new ThreadPoolExecutor({ maxThreads: 1 })];
    const refused = temporaryRun({ executors, storageAccess: [customStaging(new URL(`file://${path}`))] });
    const error = await failureOf<SluiceError>(refused);
    expect(error).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
    expect(error.message).toContain("its import 'no-such-package' cannot be resolved");
    await using run = await temporaryRun({ executors });
    expect(await app(() => 1, { kernel: run.kernel })()).toBe(1);
  });

  test.each([
    ['NOT_FOUND', 'NOT_FOUND', 'usage'],
    ['TRANSFER_FAILED', 'TRANSFER_FAILED', 'infrastructure'],
    ['EWHATEVER', 'SERVICE_FAILED', 'infrastructure'],
  ])('fails with the code %s fails with %s', async (thrown, code, errorClass) => {
    const folder = await temporaryFolder();
    await using run = await temporaryRun({ storageAccess: [labelled('lab', folder)], infrastructureRetries: 0 });
    const error = await failureOf<SluiceError>(appsOf(run).read(`lab://a/fails-${thrown}`));
    expect(error).toMatchObject({ code, class: errorClass });
    expect(error.message).toBe(`lab: read lab://a/fails-${thrown}: as it was asked to`);
  });
});
