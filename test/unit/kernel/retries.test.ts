import {
  app,
  bash,
  type Config,
  type Io,
  join,
  type RunEvent,
  SluiceError,
  type TaskEnvelope,
  ThreadPoolExecutor,
} from 'sluice';
import { expect, test } from 'vitest';
import { DataFlowKernel } from '../../../src/kernel/dataflow-kernel.js';
import type { KernelParts } from '../../../src/kernel/kernel-parts.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { kernelParts } from '../../fixtures/kernel/kernel-parts.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { type TemporaryRun, temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const lost = () => new SluiceError('WORKER_LOST', 'the worker is gone');

function withExecutor(
  before: (envelope: TaskEnvelope) => void,
  config: Config = {},
): Promise<TemporaryRun & { readonly executor: ScriptedExecutor }> {
  const executor = new ScriptedExecutor({ before });
  return temporaryRun({ executors: [executor], asDefault: false, ...config }).then((run) => ({ ...run, executor }));
}

const attemptsOf = (executor: ScriptedExecutor): number[] => executor.submitted.map(({ attempt }) => attempt);

test('an app that succeeds on its third attempt does with two retries, and counts in io.attempt', async () => {
  await using run = await withExecutor(() => {}, { retries: 2 });
  const third = app(
    (_: string, io: Io) => {
      if (io.attempt < 3) throw new Error(`attempt ${io.attempt}`);
      return [io.attempt, io.taskId];
    },
    { name: 'third', io: true, kernel: run.kernel },
  );
  expect(await third('x')).toEqual([3, 0]);
  expect(attemptsOf(run.executor)).toEqual([1, 2, 3]);
});

test('a command counts its attempts as well, on threads', async () => {
  await using run = await temporaryRun({
    executors: [new ThreadPoolExecutor({ maxThreads: 1 })],
    retries: 1,
    asDefault: false,
  });
  const second = bash((io) => io.sh`test ${io.attempt} = 2`, { name: 'second', kernel: run.kernel });
  expect(await second()).toBe(0);
});

test('when the retries are spent, the last error is the one', async () => {
  await using run = await withExecutor(() => {}, { retries: 2 });
  const never = app(
    (io) => {
      throw new TypeError(`attempt ${io.attempt}`);
    },
    { name: 'never', io: true, kernel: run.kernel },
  );
  const error = await failureOf<TypeError>(never());
  expect(error).toBeInstanceOf(TypeError);
  expect(error.message).toBe('attempt 3');
  expect(error).toMatchObject({ remote: { attempt: 3 } });
});

test('without retries the first failure is the last', async () => {
  await using run = await withExecutor(() => {});
  const never = bash(() => 'exit 1', { name: 'never', kernel: run.kernel });
  await expect(never()).rejects.toMatchObject({ code: 'BASH_EXIT' });
  expect(attemptsOf(run.executor)).toEqual([1]);
});

test('a usage error is never repeated', async () => {
  const before = () => {
    throw new SluiceError('NOT_FOUND', 'no such object');
  };
  await using run = await withExecutor(before, { retries: 5, infrastructureRetries: 5 });
  const fine = app(() => 1, { name: 'fine', kernel: run.kernel });
  await expect(fine()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(attemptsOf(run.executor)).toEqual([1]);
});

test('a usage error that the app itself throws is not repeated either', async () => {
  await using run = await withExecutor(() => {}, { retries: 5 });
  const missing = app((from: unknown) => from, { name: 'missing', kernel: run.kernel });
  const { file } = await import('sluice');
  await expect(missing(file(`${run.folder}/nowhere`))).rejects.toMatchObject({ code: 'NOT_FOUND', class: 'usage' });
  expect(attemptsOf(run.executor)).toEqual([1]);
});

test('lost workers are replaced on a budget of their own, and burn no retries', async () => {
  let lostAttempts = 0;
  const before = () => {
    if (lostAttempts++ < 3) throw lost();
  };
  await using run = await withExecutor(before, { retries: 1, infrastructureRetries: 3 });
  const second = app(
    (io) => {
      if (io.attempt < 5) throw new Error('once more');
      return io.attempt;
    },
    { name: 'second', io: true, kernel: run.kernel },
  );
  expect(await second()).toBe(5);
  expect(attemptsOf(run.executor)).toEqual([1, 2, 3, 4, 5]);
});

test('when that budget is spent, the infrastructure error is the one', async () => {
  const before = () => {
    throw lost();
  };
  await using run = await withExecutor(before, { retries: 9, infrastructureRetries: 2 });
  const fine = app(() => 1, { name: 'fine', kernel: run.kernel });
  await expect(fine()).rejects.toMatchObject({ code: 'WORKER_LOST', class: 'infrastructure' });
  expect(attemptsOf(run.executor)).toEqual([1, 2, 3]);
});

test('between attempts on infrastructure the task is delayed, and says so', async () => {
  const events: RunEvent[] = [];
  const monitor = { record: (event: RunEvent) => void events.push(event), close: async () => {} };
  let lostAttempts = 0;
  const before = () => {
    if (lostAttempts++ < 1) throw lost();
  };
  await using run = await withExecutor(before, { monitors: [monitor] });
  await app(() => 1, { name: 'fine', kernel: run.kernel })();
  const life = events.map((event) => (event.kind === 'taskStatus' ? event.status : event.kind));
  const delayed = ['taskCreated', 'launched', 'attemptStarted', 'attemptEnded', 'delayed', 'launched'];
  expect(life).toEqual([...delayed, 'attemptStarted', 'attemptEnded', 'done']);
  expect(events.find((event) => event.kind === 'attemptEnded')).toMatchObject({ error: 'the worker is gone' });
});

test('a task that is cancelled while it waits for its next attempt is not launched again, and no timer is left', async () => {
  const executor = new ScriptedExecutor({
    before: () => {
      throw lost();
    },
  });
  let stopped = 0;
  let wake = (): void => {};
  const isDelayed = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const later: KernelParts['later'] = (delayMs) => {
    expect(delayMs).toBe(50);
    wake();
    return () => {
      stopped += 1;
    };
  };
  const kernel = new DataFlowKernel(kernelParts({ executors: [executor], infrastructureRetries: 9, later }));
  const future = app(() => 1, { name: 'fine', kernel })();
  await isDelayed;
  expect(future.status).toBe('delayed');
  future.cancel('enough');
  await expect(future).rejects.toThrow("task 0 'fine' was cancelled: enough");
  expect(stopped).toBe(1);
  expect(executor.submitted).toHaveLength(1);
});

test('the body of a join is repeated as a task is; what its futures fail with is not', async () => {
  await using run = await withExecutor(() => {}, { retries: 1 });
  const attempts: number[] = [];
  const fine = app(() => 'fine', { name: 'fine', kernel: run.kernel });
  const body = join(
    (io) => {
      attempts.push(io.attempt);
      if (io.attempt === 1) throw new Error('the body');
      return fine();
    },
    { name: 'body', kernel: run.kernel },
  );
  expect(await body()).toBe('fine');
  expect(attempts).toEqual([1, 2]);
  const boom = app(
    () => {
      throw new Error('inside');
    },
    { name: 'boom', kernel: run.kernel },
  );
  let bodies = 0;
  const inner = join(
    () => {
      bodies += 1;
      return boom();
    },
    { name: 'inner', kernel: run.kernel },
  );
  await expect(inner()).rejects.toMatchObject({ code: 'JOIN' });
  expect(bodies).toBe(1);
});
