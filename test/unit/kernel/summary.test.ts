import { readFile } from 'node:fs/promises';
import { app, bash, type DataFlowKernel, join } from 'sluice';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { summarize } from '../../../src/kernel/summary.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let run: TemporaryRun;
let kernel: DataFlowKernel;
const stderr: string[] = [];
beforeEach(async () => {
  run = await temporaryRun({ executors: [new ScriptedExecutor({ capacity: 4 })], retries: 1, asDefault: false });
  kernel = run.kernel;
  stderr.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await run[Symbol.asyncDispose]();
});

function apps() {
  const boom = app(
    (text: string): number => {
      throw new RangeError(text);
    },
    { name: 'boom', kernel },
  );
  const plus = app((a: number, b: number) => a + b, { name: 'plus', kernel });
  return { boom, plus };
}

/** The summary less the id of the run. */
const summary = (): string => kernel.summary().replace(/^run \S+: /, '');

test('tasks are counted by state and by app', async () => {
  const { boom, plus } = apps();
  await Promise.allSettled([plus(1, 2), plus(boom('x'), 1), plus(3, 4)]);
  expect(summary()).toBe(
    '4 tasks: 2 done, 2 failed\n  plus: 2 of 3 done, 1 failed or cancelled\n  boom: 0 of 1 done, 1 failed or cancelled\n',
  );
  expect(kernel.summary().split(':')[0]).toBe(`run ${kernel.runId}`);
});

test('it is written at close, and stays off stderr when everything was looked at', async () => {
  const { boom, plus } = apps();
  await Promise.allSettled([plus(1, 2), boom('x')]);
  await kernel.close();
  expect(await readFile(`${kernel.runDir}/summary.txt`, 'utf8')).toBe(kernel.summary());
  expect(stderr).toEqual([]);
});

test('a failure that nobody looked at is told of on stderr: what, which task, where, and its logs', async () => {
  const { boom } = apps();
  boom('too far\nsecond line');
  const listing = bash(() => 'exit 3', { name: 'listing', kernel });
  listing({ stderr: `${run.folder}/listing.err` });
  await kernel.close();
  const missed = `2 failures that nobody looked at:
  RangeError: too far
    task 0 'boom', attempt 2 on 'scripted'
  BashExitError: bash app 'listing' ended with exit code 3
    task 1 'listing', attempt 2 on 'scripted'
    file://${run.folder}/listing.err
`;
  expect(kernel.summary()).toContain(missed);
  expect(stderr.join('')).toBe(kernel.summary());
  expect(await readFile(`${kernel.runDir}/summary.txt`, 'utf8')).toBe(kernel.summary());
});

describe('a failure has been looked at', () => {
  const count = (): string => /(\d+) failures? that nobody/.exec(kernel.summary())?.[1] ?? '0';

  test('when its future is awaited, before or after', async () => {
    const { boom } = apps();
    const [before, after] = [boom('a'), boom('b')];
    await before.catch(() => {});
    await kernel.waitForAll();
    expect(count()).toBe('1');
    await after.catch(() => {});
    await after.catch(() => {});
    expect(count()).toBe('0');
  });

  test('when a task that failed because of it is awaited, however far behind, before or after', async () => {
    const { boom, plus } = apps();
    const first = plus(1, plus(2, boom('a')));
    await first.catch(() => {});
    expect(count()).toBe('0');
    const second = plus(1, plus(2, boom('b')));
    await kernel.waitForAll();
    expect(count()).toBe('1');
    await second.catch(() => {});
    expect(count()).toBe('0');
  });

  test('when the join around it is awaited, or its output, or what was had of it', async () => {
    const { boom } = apps();
    await join(() => [boom('a')], { name: 'joined', kernel })().catch(() => {});
    const touch = bash(() => 'exit 1', { name: 'touch', kernel })({ outputs: [`${run.folder}/x`] });
    await touch.outputs[0].catch(() => {});
    const made = app((): { a: number } => JSON.parse('{'), { name: 'made', kernel })();
    await made.get('a').catch(() => {});
    expect(count()).toBe('0');
    expect(kernel.stats().byStatus.failed).toBe(5);
  });

  test('of another kernel too', async () => {
    await using other = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
    const behind = app((n: number) => n, { name: 'behind', kernel: other.kernel })(apps().boom('a'));
    await kernel.waitForAll();
    expect(count()).toBe('1');
    await behind.catch(() => {});
    expect(count()).toBe('0');
    expect(other.kernel.summary()).not.toContain('nobody');
  });

  test('and its dependents are not told of besides it', async () => {
    const { boom, plus } = apps();
    const failed = boom('a');
    plus(failed, 1);
    plus(failed, 2);
    await kernel.waitForAll();
    expect(count()).toBe('1');
    await failed.catch(() => {});
    expect(count()).toBe('0');
  });
});

test('cancelled tasks are no failures', async () => {
  const executor = new ScriptedExecutor({ before: (_, signal) => untilAborted(signal) });
  await using own = await temporaryRun({ executors: [executor], asDefault: false });
  app(() => 1, { name: 'one', kernel: own.kernel })();
  await own.kernel.close({ onClose: 'cancel' });
  expect(own.kernel.summary()).toContain('1 task: 1 cancelled\n');
  expect(stderr).toEqual([]);
});

test('of very many failures the first twenty are kept, and all are counted', async () => {
  const { boom } = apps();
  const futures = Array.from({ length: 100 }, (_, index) => boom(`failure ${index}.`));
  await kernel.waitForAll();
  const text = kernel.summary();
  expect(text).toContain('100 failures that nobody looked at');
  expect(text).toContain('failure 19.');
  expect(text).not.toContain('failure 20.');
  expect(text).toContain('and 80 more');
  await Promise.allSettled(futures.slice(0, 99));
  expect(kernel.summary()).toContain('1 failure that nobody looked at');
  await futures[99]?.catch(() => {});
  expect(kernel.summary()).not.toContain('nobody');
});

test('a run without tasks has a summary too', () => {
  const stats = { byStatus: { waiting: 0 }, byApp: {}, byExecutor: {} };
  expect(summarize({ runId: 'r', stats, unseen: { count: 0, first: [] } })).toBe('run r: no tasks\n');
});
