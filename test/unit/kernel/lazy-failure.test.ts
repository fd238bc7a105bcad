import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { app, type DataFlowKernel, DependencyError, join, SluiceError } from 'sluice';
import { expect, test } from 'vitest';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const inProcess = (): Promise<TemporaryRun> =>
  temporaryRun({ executors: [new ScriptedExecutor({ capacity: 4 })], asDefault: false });

function apps(kernel: DataFlowKernel) {
  const boom = app(
    (text: string): number => {
      throw Object.assign(new RangeError(text), { limit: 7 });
    },
    { name: 'boom', kernel },
  );
  const plus = app((a: number, b: number) => a + b, { name: 'plus', kernel });
  return { boom, plus };
}

test('unrelated branches go on when one fails', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const failing = plus(boom('too far'), 1);
  const fine = plus(plus(1, 2), 3);
  await expect(failing).rejects.toBeInstanceOf(DependencyError);
  expect(await fine).toBe(6);
  expect(await plus(4, 5)).toBe(9);
});

test('at depth 1 the message says what failed, where, and what it kept from running', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const error = await failureOf<DependencyError>(plus(boom('too far'), 1));
  expect(error.message).toBe("too far [task 0 'boom']; so task 1 'plus' was not run");
  expect(error).toMatchObject({ code: 'DEPENDENCY', class: 'app', taskId: 1, failedTaskIds: [0] });
});

test('at depth 3 the root cause still comes first, and the cause chain leads to it', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const error = await failureOf<DependencyError>(plus(1, plus(2, plus(3, boom('too far')))));
  expect(error.message).toBe("too far [task 0 'boom']; so task 3 'plus' was not run (it waits for task 2 'plus')");
  expect(error).toMatchObject({ taskId: 3, failedTaskIds: [2] });
  const chain: unknown[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) chain.push(cause);
  expect(chain.map((link) => (link as Error).name)).toEqual([
    'DependencyError',
    'DependencyError',
    'DependencyError',
    'RangeError',
  ]);
  const root = chain.at(-1) as RangeError & { limit: number };
  expect(root).toBeInstanceOf(RangeError);
  expect(root.message).toBe('too far');
  expect(root.limit).toBe(7);
});

test('a root message that reads like one of ours is not cut', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const error = await failureOf<Error>(plus(plus(boom('no; so task 9 was not run'), 1), 2));
  expect(error.message).toBe(
    "no; so task 9 was not run [task 0 'boom']; so task 2 'plus' was not run (it waits for task 1 'plus')",
  );
});

test('a task behind a join that failed names the root, not the join', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const inner = join(() => boom('too far'), { name: 'inner', kernel: run.kernel });
  const error = await failureOf<Error>(plus(inner(), 1));
  expect(error.message).toBe("too far [task 2 'boom']; so task 1 'plus' was not run (it waits for task 0 'inner')");
});

test('the user error comes as it was thrown, with where it happened beside it', async () => {
  await using run = await inProcess();
  const { boom } = apps(run.kernel);
  const error = await failureOf<RangeError & { remote: object }>(boom('too far'));
  expect(error).toBeInstanceOf(RangeError);
  expect(error).not.toBeInstanceOf(SluiceError);
  expect(error.remote).toMatchObject({ taskId: 0, app: 'boom', attempt: 1, executor: 'scripted' });
  expect(error.stack).toMatch(/lazy-failure\.test\.ts:\d+/);
});

test('two failed dependencies settle a task once', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const both = plus(boom('first'), boom('second'));
  await expect(both).rejects.toThrow(/^first \[task 0/);
  await run.kernel.waitForAll();
  expect(run.kernel.stats().byStatus).toMatchObject({ failed: 3 });
  expect(run.kernel.stats().byApp.plus).toEqual({ total: 1, done: 0, failed: 1 });
});

test('a status follows the task to its end, and failing to look at it changes nothing', async () => {
  await using run = await inProcess();
  const { boom, plus } = apps(run.kernel);
  const failing = boom('x');
  const waiting = plus(failing, 1);
  expect(waiting.status).toBe('waiting');
  await run.kernel.waitForAll();
  expect([failing.status, waiting.status]).toEqual(['failed', 'failed']);
  expect(await failing.catch(() => 'caught')).toBe('caught');
});

test('failed futures that nobody awaits do not crash the process: its end tells of them', async () => {
  const script = fileURLToPath(new URL('../../fixtures/kernel/unawaited-failures.mjs', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
  expect(JSON.parse(stdout)).toEqual({
    boom: { total: 1, done: 0, failed: 1 },
    after: { total: 2, done: 0, failed: 2 },
  });
  expect(stderr).toContain('1 failure that nobody looked at:\n  Error: nobody looks\n');
});
