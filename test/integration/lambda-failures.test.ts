import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { app } from '../../src/index.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { type LambdaRun, lambdaRun } from './lambda-run.js';

let cloud: DeployedCloud;
let run: LambdaRun;
beforeAll(async () => {
  cloud = await startDeployedCloud({ fn: { memoryMiB: 256, timeoutSeconds: 4 } });
});
afterAll(() => cloud.close());
beforeEach(async () => {
  run = await lambdaRun();
});
afterEach(() => run[Symbol.asyncDispose]());

/** How a call of this function fails; afterwards the next task must run. */
async function failureOf(fn: () => unknown): Promise<unknown> {
  const { kernel } = run;
  const failing = app(fn, { name: 'failing', kernel });
  const next = app(() => 'next', { name: 'next', kernel });
  const error = await failing().catch((reason: unknown) => ({ reason }));
  expect(await next()).toBe('next');
  return (error as { reason: unknown }).reason;
}

describe('a task that ends its environment', () => {
  const task = /^task 0 'failing' on Lambda function 'sluice-worker'/;

  test.each<[string, () => unknown, string, RegExp]>([
    [
      'never returns',
      () => {
        for (;;);
      },
      'WALLTIME',
      /ran longer than the function's timeout of 4 s: deploy it with more/,
    ],
    [
      'fills its memory with buffers',
      async () => {
        for (const kept: unknown[] = []; ; ) {
          kept.push(Buffer.alloc(2 ** 24, 1));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
      'OUT_OF_MEMORY',
      /used more than the function's 256 MiB: deploy it with more/,
    ],
    [
      'takes more than its memory at once',
      () => Array(31_000_000).fill(0).length,
      'OUT_OF_MEMORY',
      /used more than the function's 256 MiB/,
    ],
    [
      'calls process.exit(0)',
      () => process.exit(0),
      'TASK_EXITED',
      /exited without providing a reason\): return or throw/,
    ],
    [
      'writes something and calls process.exit(3)',
      () => {
        console.log('my last words');
        process.exit(3);
      },
      'TASK_EXITED',
      /exit status 3\): return or throw instead of process\.exit.*; it wrote last:\nmy last words$/,
    ],
    [
      'throws where nobody catches',
      () =>
        new Promise(() => {
          setTimeout(() => {
            throw new RangeError('later');
          }, 10);
        }),
      'TASK_EXITED',
      /\(RangeError: later\).*leave no error uncaught/,
    ],
    [
      'leaves a rejection to itself',
      () =>
        new Promise(() => {
          void Promise.reject(new TypeError('forgotten'));
        }),
      'TASK_EXITED',
      /Runtime\.UnhandledPromiseRejection: TypeError: forgotten/,
    ],
  ])('that %s', async (_, fn, code, message) => {
    const error = await failureOf(fn);
    expect(error).toMatchObject({ code, class: 'app', message: expect.stringMatching(task) });
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect((error as Error).message).not.toMatch(/^(\{"errorType"|(START|END|REPORT) |.*NodeVersionSupport)/m);
    expect(run.kernel.stats().byExecutor.lambda?.attempts).toBe(2);
  });
});

describe('a task that throws', () => {
  test('null', async () => {
    const error = await failureOf(() => {
      throw null;
    });
    expect(error).toMatchObject({ code: 'NON_ERROR_THROWN', class: 'app', cause: null });
  });

  test('a string', async () => {
    const error = await failureOf(() => {
      throw 'just words';
    });
    expect(error).toMatchObject({ code: 'NON_ERROR_THROWN', cause: 'just words' });
  });

  test('an error with a cause: it comes as it was thrown, and says where it happened', async () => {
    const error = await failureOf(() => {
      throw new RangeError('outer', { cause: Object.assign(new TypeError('inner'), { limit: 7 }) });
    });
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'outer', cause: { name: 'TypeError', message: 'inner', limit: 7 } });
    expect((error as { remote: object }).remote).toMatchObject({
      executor: 'lambda',
      attempt: 1,
      where: 'lambda sluice-worker',
    });
  });
});

/** Resolves once something was written to the file. */
async function written(folder: string, name: string): Promise<string> {
  const read = () => readFile(join(folder, name), 'utf8').catch(() => '');
  const stop = new AbortController();
  const changes = watch(folder, { signal: stop.signal });
  const changed = new Promise<void>((resolve) => {
    changes.on('change', async () => {
      if ((await read()) !== '') resolve();
    });
  });
  try {
    if ((await read()) === '') await changed;
    return await read();
  } finally {
    stop.abort();
  }
}

test('an environment that is killed from outside is infrastructure: the task runs again, with no retries to spend', async () => {
  const { kernel, folder } = run;
  const stubborn = app(
    async (folder: string) => {
      const { existsSync, writeFileSync, renameSync } = await import('node:fs');
      if (existsSync(`${folder}/pid`)) return 'second attempt';
      writeFileSync(`${folder}/new`, String(process.pid));
      renameSync(`${folder}/new`, `${folder}/pid`);
      return new Promise<string>((resolve) => setTimeout(() => resolve('too late'), 60_000));
    },
    { name: 'stubborn', kernel },
  );
  const result = stubborn(folder);
  const pid = Number(await written(folder, 'pid'));
  process.kill(pid, 'SIGKILL');
  expect(await result).toBe('second attempt');
  expect(kernel.stats().byExecutor.lambda).toMatchObject({ attempts: 2, tasks: 1 });
});
