import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, bash } from 'sluice';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isRunning } from '../fixtures/kernel/is-running.js';
import { leaveDaemon, leaveStray, processesIn } from '../fixtures/processes/strays.js';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';
import { type LambdaRun, lambdaRun } from './lambda-run.js';

let cloud: DeployedCloud;
let run: LambdaRun;
beforeAll(async () => {
  cloud = await startDeployedCloud({ fn: { memoryMiB: 512, timeoutSeconds: 20 } });
});
afterAll(() => cloud.close());
beforeEach(async () => {
  // One at a time, so that every task comes to the same environment while there is one.
  run = await lambdaRun({ maxConcurrency: 1, bucket: cloud.bucket });
});
afterEach(() => run[Symbol.asyncDispose]());

/** Where a task runs: its environment, and its thread, 0 for the main one. */
function place(walltimeMs?: number): PromiseLike<{ pid: number; thread: number }> {
  const where = app(
    async () => {
      const { threadId } = await import('node:worker_threads');
      return { pid: process.pid, thread: threadId };
    },
    { name: 'where', kernel: run.kernel },
  );
  return walltimeMs === undefined ? where() : where.with({ walltimeMs })();
}

describe('a walltime in a Lambda environment', () => {
  test('ends a loop that never yields, and the environment takes the next tasks', async () => {
    const before = await place(5_000);
    const endless = app(
      () => {
        for (;;);
      },
      { name: 'endless', kernel: run.kernel },
    );
    await expect(endless.with({ walltimeMs: 700 })()).rejects.toMatchObject({
      code: 'WALLTIME',
      class: 'app',
      message: expect.stringMatching(/'endless' ran longer than its walltime of 700 ms/),
    });
    const after = await place(5_000);
    expect(after.pid).toBe(before.pid);
    expect(after.thread).not.toBe(before.thread);
    expect(await place()).toEqual({ pid: before.pid, thread: 0 });
  });

  test('keeps one thread warm for those that end in time; a task without one is on the main thread', async () => {
    const first = await place(5_000);
    expect(first.thread).toBeGreaterThan(0);
    expect(await place(5_000)).toEqual(first);
    expect((await place()).thread).toBe(0);
    expect(await place(5_000)).toEqual(first);
  });

  test('leaves a task alone that ends in time, and gives up one that awaits too long', async () => {
    const slow = app((ms: number) => new Promise<string>((resolve) => setTimeout(resolve, ms, 'in time')), {
      name: 'slow',
      kernel: run.kernel,
    });
    expect(await slow.with({ walltimeMs: 10_000 })(50)).toBe('in time');
    await expect(slow.with({ walltimeMs: 100 })(10_000)).rejects.toMatchObject({ code: 'WALLTIME' });
  });

  test.each<[string, () => unknown, RegExp]>([
    ['calls process.exit', () => process.exit(3), /ended its thread with process\.exit\(3\)/],
    [
      'leaves an error uncaught',
      () =>
        new Promise(() => {
          setTimeout(() => {
            throw new RangeError('later');
          }, 5);
        }),
      /left an error uncaught, which ended its thread: later/,
    ],
    [
      'leaves a rejection to itself',
      () => new Promise(() => void Promise.reject(new TypeError('forgotten'))),
      /left an error uncaught, which ended its thread: forgotten/,
    ],
  ])('a task with one that %s fails alone: the environment lives', async (_, fn, message) => {
    const before = await place(5_000);
    const failing = app(fn, { name: 'failing', kernel: run.kernel });
    await expect(failing.with({ walltimeMs: 5_000 })()).rejects.toMatchObject({
      code: 'TASK_EXITED',
      message: expect.stringMatching(message),
    });
    expect((await place(5_000)).pid).toBe(before.pid);
  });

  test('carries arguments, results and errors as without one', async () => {
    const double = app((values: Map<string, bigint>) => new Map([...values].map(([key, n]) => [key, n * 2n])), {
      name: 'double',
      kernel: run.kernel,
    });
    expect(await double.with({ walltimeMs: 5_000 })(new Map([['a', 4n]]))).toEqual(new Map([['a', 8n]]));
    const throwing = app(
      () => {
        throw new RangeError('out', { cause: 'in' });
      },
      { name: 'throwing', kernel: run.kernel },
    );
    await expect(throwing.with({ walltimeMs: 5_000 })()).rejects.toMatchObject({ name: 'RangeError', cause: 'in' });
  });
});

describe('what a task leaves in its Lambda environment', () => {
  test.each<[string, () => unknown]>([
    [
      'a timer that throws',
      () => {
        setTimeout(() => {
          throw new Error('from an earlier task');
        }, 150);
      },
    ],
    [
      'a promise that rejects',
      () => {
        setTimeout(() => void Promise.reject(new Error('from an earlier task')), 150);
      },
    ],
  ])('%s does not fail the next task, which comes to the same environment', async (_, leave) => {
    const leaving = app(leave, { name: 'leaving', kernel: run.kernel });
    const staying = app((ms: number) => new Promise<number>((resolve) => setTimeout(resolve, ms, process.pid)), {
      name: 'staying',
      kernel: run.kernel,
    });
    const { pid } = await place();
    await leaving();
    expect(await staying(600)).toBe(pid);
    expect(await place()).toEqual({ pid, thread: 0 });
  });

  test.each([
    ['a process outside the group', leaveStray],
    ['a daemon', leaveDaemon],
  ])('%s of its command is gone when the task is done', async (_, leave) => {
    const file = join(run.folder, 'pids');
    expect(await bash(leave, { name: 'straying', kernel: run.kernel })(file, 'true')).toBe(0);
    expect(isRunning((await processesIn(file)).stray)).toBe(false);
  });

  test.each([undefined, 5_000])('what a function says is in its files, with walltime %s', async (walltimeMs) => {
    const speaking = app(
      (word: string) => {
        console.log('out', word);
        console.error('err', word);
        process.stdout.write('end');
      },
      { name: 'speaking', kernel: run.kernel },
    );
    const streams = { stdout: join(run.folder, 'out'), stderr: join(run.folder, 'err') };
    await speaking.with({ ...streams, ...(walltimeMs !== undefined && { walltimeMs }) })('word');
    expect(await readFile(streams.stdout, 'utf8')).toBe('out word\nend');
    expect(await readFile(streams.stderr, 'utf8')).toBe('err word\n');
  });

  test('a stream cannot be appended to a file of this machine: refused before anything runs', () => {
    const speaking = app(() => console.log('x'), { name: 'speaking', kernel: run.kernel });
    const stdout = { file: join(run.folder, 'log'), append: true };
    expect(() => speaking.with({ stdout })()).toThrow(/'speaking' appends its stdout .* \('lambda'\) shares its disk/);
  });
});
