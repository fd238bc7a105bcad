import { app, type Config, type FailedAttempt, join, type RetryPolicy, SluiceError, type TaskEnvelope } from 'sluice';
import { describe, expect, test } from 'vitest';
import { DataFlowKernel } from '../../../src/kernel/dataflow-kernel.js';
import { judgeFailure } from '../../../src/kernel/retry.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { kernelParts } from '../../fixtures/kernel/kernel-parts.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const lost = () => new SluiceError('WORKER_LOST', 'the worker is gone');

/** A kernel with a policy, and an app that always fails. */
async function failingRun(retry: RetryPolicy, config: Config = {}) {
  const executor = new ScriptedExecutor();
  const run = await temporaryRun({ executors: [executor], asDefault: false, retry, ...config });
  const never = app(
    (io) => {
      throw new TypeError(`attempt ${io.attempt}`);
    },
    { name: 'never', io: true, kernel: run.kernel },
  );
  return { run, never, executor, [Symbol.asyncDispose]: () => run[Symbol.asyncDispose]() };
}

describe('cost', () => {
  test('half a retry each doubles the tries; more than the budget ends them', async () => {
    await using half = await failingRun({ cost: () => 0.5 }, { retries: 2 });
    await expect(half.never()).rejects.toThrow('attempt 5');
    await using dear = await failingRun({ cost: () => 2.5 }, { retries: 2 });
    await expect(dear.never()).rejects.toThrow('attempt 1');
    await using endless = await failingRun({ cost: () => Number.POSITIVE_INFINITY }, { retries: 2 });
    await expect(endless.never()).rejects.toThrow('attempt 1');
  });

  test('depends on the failure, of which it is told all', async () => {
    const asked: FailedAttempt[] = [];
    const cost = (failure: FailedAttempt): number => {
      asked.push(failure);
      return failure.attempt < 3 ? 0 : 1;
    };
    await using run = await failingRun({ cost }, { retries: 1 });
    await expect(run.never()).rejects.toThrow('attempt 4');
    expect(asked[0]).toEqual({
      error: expect.any(TypeError),
      class: 'app',
      appName: 'never',
      taskId: 0,
      attempt: 1,
      executor: 'scripted',
    });
    expect(asked.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
  });

  test('takes failures of infrastructure from their own budget; usage is never asked about', async () => {
    const asked: string[] = [];
    let attempts = 0;
    const before = () => {
      attempts += 1;
      throw attempts < 5 ? lost() : new SluiceError('NOT_FOUND', 'no such object');
    };
    const cost = (failure: FailedAttempt): number => asked.push(failure.class) && 0.5;
    await using run = await failingRun(
      { cost },
      { executors: [new ScriptedExecutor({ before })], infrastructureRetries: 2 },
    );
    await expect(run.never()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(asked).toEqual(['infrastructure', 'infrastructure', 'infrastructure', 'infrastructure']);
  });

  test('that throws ends the task with what it threw; the attempt is its cause', async () => {
    const cost = (): never => {
      throw new RangeError('no idea');
    };
    await using run = await failingRun({ cost }, { retries: 5 });
    const error = await failureOf<RangeError>(run.never());
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('no idea');
    expect(error.cause).toBeInstanceOf(TypeError);
    expect((error.cause as Error).message).toBe('attempt 1');
    expect(run.executor.submitted).toHaveLength(1);
  });

  test.each([-1, Number.NaN, '1', undefined])('of %s is refused, naming it', async (value) => {
    await using run = await failingRun({ cost: () => value as number }, { retries: 5 });
    const error = await failureOf<SluiceError>(run.never());
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS', cause: { message: 'attempt 1' } });
    expect(error.message).toBe(`the retry policy's cost returned ${value}: it has to be a number from 0 to Infinity`);
  });

  test('is asked about the body of a join too, which runs nowhere else', async () => {
    const asked: (string | undefined)[] = [];
    await using run = await failingRun({ cost: ({ executor }) => asked.push(executor) && 1 }, { retries: 1 });
    const body = join(
      () => {
        throw new Error('the body');
      },
      { name: 'body', kernel: run.run.kernel },
    );
    await expect(body()).rejects.toThrow('the body');
    expect(asked).toEqual([undefined, undefined]);
  });

  test('is not asked about a task that was given up meanwhile', async () => {
    let asked = 0;
    let end = (): void => {};
    const before = (_: TaskEnvelope): Promise<void> =>
      new Promise((_resolve, reject) => {
        end = () => reject(lost());
      });
    const executor = new ScriptedExecutor({ before });
    await using run = await failingRun(
      {
        cost: () => {
          asked += 1;
          return 1;
        },
      },
      { executors: [executor], retries: 5 },
    );
    const future = run.never();
    future.cancel();
    await failureOf(future);
    end();
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(0);
    expect(executor.submitted).toHaveLength(1);
  });
});

describe('back-off', () => {
  const place = { taskId: 0, appName: 'a', attempt: 3, executor: 'x' };

  test('after a failure of the app is a random part of what the policy says', () => {
    const backoffMs = ({ attempt }: FailedAttempt): number => 100 * attempt;
    const delays = [0, 0.5, 0.999].map((random) => judgeFailure(new Error('x'), place, { backoffMs }, random).delayMs);
    expect(delays).toEqual([0, 150, 300]);
    expect(judgeFailure(lost(), place, { backoffMs: () => 7 }, 0.5).delayMs).toBe(200);
    expect(judgeFailure(new Error('x'), place, {}, 0.5).delayMs).toBe(0);
  });

  test('longer than timers can hold is refused', () => {
    const judged = judgeFailure(new Error('x'), place, { backoffMs: () => 2 ** 31 }, 0.5);
    expect(judged).toMatchObject({ class: 'usage', error: { code: 'INVALID_OPTIONS' } });
  });

  test('delays the task for as long', async () => {
    const delays: number[] = [];
    const parts = kernelParts({ retries: 2, retry: { backoffMs: () => 1_000 } });
    const kernel = new DataFlowKernel({
      ...parts,
      later: (delayMs, callback) => {
        delays.push(delayMs);
        return parts.later(delayMs, callback);
      },
    });
    const never = app(() => JSON.parse('{'), { name: 'never', kernel });
    await expect(never()).rejects.toBeInstanceOf(SyntaxError);
    expect(delays).toEqual([500, 500]);
  });
});

describe('elsewhere', () => {
  const labels = async (retry: RetryPolicy, executors?: readonly string[]): Promise<string[]> => {
    const ran: string[] = [];
    const on = (label: string) => new ScriptedExecutor({ label, before: () => void ran.push(label) });
    await using run = await failingRun(retry, { executors: [on('a'), on('b')], retries: 3 });
    const never = app(() => JSON.parse('{'), { name: 'x', kernel: run.run.kernel, ...(executors && { executors }) });
    await failureOf(never());
    return ran;
  };

  test('the next attempt runs on another executor, where there is one', async () => {
    expect(await labels({ elsewhere: true })).toEqual(['a', 'b', 'a', 'b']);
    expect(await labels({ elsewhere: true }, ['b'])).toEqual(['b', 'b', 'b', 'b']);
    expect(await labels({})).toEqual(['a', 'a', 'a', 'a']);
  });
});

test('an app has retries of its own, more or fewer than the kernel, and so has a join', async () => {
  const executor = new ScriptedExecutor();
  await using run = await temporaryRun({ executors: [executor], retries: 1, asDefault: false });
  const { kernel } = run;
  const failing = (retries: number) =>
    app(
      (io) => {
        throw new Error(`attempt ${io.attempt}`);
      },
      { name: 'failing', io: true, retries, kernel },
    );
  await expect(failing(0)()).rejects.toThrow('attempt 1');
  await expect(failing(3)()).rejects.toThrow('attempt 4');
  let bodies = 0;
  const body = join(
    () => {
      bodies += 1;
      throw new Error('the body');
    },
    { name: 'body', retries: 2, kernel },
  );
  await expect(body()).rejects.toThrow('the body');
  expect(bodies).toBe(3);
});
