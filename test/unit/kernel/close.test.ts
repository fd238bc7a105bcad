import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AppFuture,
  app,
  bash,
  type Io,
  join,
  type SluiceError,
  type TaskEnvelope,
  ThreadPoolExecutor,
} from 'sluice';
import { expect, test, vi } from 'vitest';
import { DataFlowKernel } from '../../../src/kernel/dataflow-kernel.js';
import type { KernelParts } from '../../../src/kernel/kernel-parts.js';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { kernelParts } from '../../fixtures/kernel/kernel-parts.js';
import { ScriptedExecutor, untilAborted } from '../../fixtures/kernel/scripted-executor.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

const held = (): ScriptedExecutor =>
  new ScriptedExecutor({ before: (_: TaskEnvelope, signal: AbortSignal) => untilAborted(signal) });

test('close waits for what was submitted, and for what that leads to', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const slow = app((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)), {
    name: 'slow',
    kernel: run.kernel,
  });
  const last = slow(slow(slow(20)));
  await run.kernel.close();
  expect(last.status).toBe('done');
  expect(await last).toBe(20);
});

test('results can be awaited after the close', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const fine = app(() => ({ a: [1] }), { name: 'fine', kernel: run.kernel })();
  await run.kernel.close();
  expect(await fine).toEqual({ a: [1] });
});

test('close by cancelling gives up what runs and what waits', async () => {
  const executor = held();
  await using run = await temporaryRun({ executors: [executor], onClose: 'cancel', asDefault: false });
  const next = app((n: number) => n, { name: 'next', kernel: run.kernel });
  const running = next(1);
  const waiting = next(running);
  await run.kernel.close();
  expect([running.status, waiting.status]).toEqual(['cancelled', 'cancelled']);
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED', class: 'usage' });
  await expect(running).rejects.toThrow("task 0 'next' was cancelled: the kernel was closed");
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(executor.closes).toBe(1);
});

test('a close that cancels ends one that waits', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const endless = app(() => 1, { name: 'endless', kernel: run.kernel })();
  const waiting = run.kernel.close();
  await run.kernel.close({ onClose: 'cancel' });
  await waiting;
  expect(endless.status).toBe('cancelled');
});

test('closing twice closes once', async () => {
  const executor = new ScriptedExecutor();
  const closed = vi.fn(async () => {});
  const monitors = [{ record: () => {}, close: closed }];
  await using run = await temporaryRun({ executors: [executor], monitors, asDefault: false });
  await Promise.all([run.kernel.close(), run.kernel.close()]);
  await run.kernel.close();
  expect([executor.closes, closed.mock.calls.length]).toEqual([1, 1]);
});

test('a call while the kernel closes, or afterwards, is refused', async () => {
  await using run = await temporaryRun({ executors: [held()], asDefault: false });
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  one();
  const closing = run.kernel.close();
  expect(thrownBy<SluiceError>(one)).toMatchObject({ code: 'KERNEL_CLOSED', class: 'usage' });
  await run.kernel.close({ onClose: 'cancel' });
  await closing;
  const error = thrownBy<SluiceError>(one);
  expect(error).toMatchObject({ code: 'KERNEL_CLOSED' });
  expect(error.message).toBe("app 'one' was called after its kernel was closed: load another one");
});

test('an app of the default kernel says the same after the scope of `await using`', async () => {
  const one = app(() => 1, { name: 'one' });
  {
    await using _run = await temporaryRun({ executors: [new ScriptedExecutor()] });
    expect(await one()).toBe(1);
  }
  expect(thrownBy<SluiceError>(one)).toMatchObject({ code: 'KERNEL_CLOSED' });
});

test('the scope of `await using` waits for the tasks in it', async () => {
  let future: AppFuture<number> | undefined;
  const executor = new ScriptedExecutor();
  {
    await using run = await temporaryRun({ executors: [executor], asDefault: false });
    await using kernel = run.kernel;
    future = app(() => new Promise<number>((resolve) => setTimeout(() => resolve(7), 20)), {
      name: 'slow',
      kernel,
    })();
  }
  expect(future.status).toBe('done');
});

test('a scope that throws waits as well, and the error is its own', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const slow = app(() => new Promise<number>((resolve) => setTimeout(() => resolve(7), 20)), {
    name: 'slow',
    kernel: run.kernel,
  });
  let future: AppFuture<number> | undefined;
  const scope = async (): Promise<void> => {
    await using _kernel = run.kernel;
    future = slow();
    throw new RangeError('in the scope');
  };
  await expect(scope()).rejects.toThrow(new RangeError('in the scope'));
  expect(future?.status).toBe('done');
});

test('joins go on calling apps while the kernel waits for them', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const one = app((n: number) => n, { name: 'one', kernel: run.kernel });
  const later = join(
    async (n: number, _io: Io): Promise<AppFuture<number>[]> => {
      await sleep(20);
      return Array.from({ length: n }, (_, index) => one(index));
    },
    { name: 'later', kernel: run.kernel },
  );
  const nested = join((n: number, _io: Io) => later(n), { name: 'nested', kernel: run.kernel });
  const future = nested(3);
  await run.kernel.close();
  expect(future.status).toBe('done');
  expect(await future).toEqual([0, 1, 2]);
});

test('a join whose kernel is closed under it cannot call apps any more', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  let refusal: unknown;
  let bodyBegan = (): void => {};
  const began = new Promise<void>((resolve) => {
    bodyBegan = resolve;
  });
  let bodyEnded = (): void => {};
  const ended = new Promise<void>((resolve) => {
    bodyEnded = resolve;
  });
  const patient = join(
    async () => {
      bodyBegan();
      await sleep(20);
      refusal = thrownBy(one);
      bodyEnded();
    },
    { name: 'patient', kernel: run.kernel },
  );
  const future = patient();
  await began;
  await run.kernel.close({ onClose: 'cancel' });
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  await ended;
  expect(refusal).toMatchObject({ code: 'KERNEL_CLOSED' });
});

test('the body of a join that is cancelled before it began does not run', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  let ran = 0;
  const body = join(
    () => {
      ran += 1;
    },
    { name: 'body', kernel: run.kernel },
  );
  const future = body();
  future.cancel();
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  await sleep(0);
  expect(ran).toBe(0);
});

test('waitForAll waits without closing', async () => {
  await using run = await temporaryRun({ executors: [new ScriptedExecutor()], asDefault: false });
  const one = app((n: number) => n, { name: 'one', kernel: run.kernel });
  const futures = [one(1), one(one(2))];
  await run.kernel.waitForAll();
  expect(futures.map(({ status }) => status)).toEqual(['done', 'done']);
  await run.kernel.waitForAll();
  expect(await one(3)).toBe(3);
});

test('an executor that does not end is given up after the grace and some slack; both it and one that fails are named', async () => {
  const stuck = new ScriptedExecutor({ label: 'stuck', onClose: () => new Promise(() => {}) });
  const failing = new ScriptedExecutor({
    label: 'failing',
    onClose: () => {
      throw new Error('cannot end');
    },
  });
  // As an executor written in plain JavaScript might: it throws where it should reject.
  const rude = Object.assign(new ScriptedExecutor({ label: 'rude' }), {
    close: () => {
      throw new Error('not now');
    },
  });
  const warnings: string[] = [];
  const delays: number[] = [];
  const onClosed = vi.fn(async () => {});
  const parts = kernelParts({ executors: [stuck, failing, rude], warn: (text) => void warnings.push(text), onClosed });
  const later: KernelParts['later'] = (delayMs, callback) => {
    delays.push(delayMs);
    return parts.later(delayMs, callback);
  };
  const kernel = new DataFlowKernel({ ...parts, later });
  await kernel.close();
  expect(warnings).toContainEqual(expect.stringMatching(/^executor 'stuck' has not ended \d+ ms after/));
  expect(warnings).toContain("executor 'failing' did not close well: cannot end");
  expect(warnings).toContain("executor 'rude' did not close well: not now");
  expect(Math.min(...delays)).toBeGreaterThan(50);
  expect(onClosed).toHaveBeenCalledOnce();
});

test('a monitor that throws stops nothing, and is told of', async () => {
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', listen);
  try {
    const monitors = [
      {
        record: () => {
          throw new Error('no room');
        },
        close: async () => {},
      },
    ];
    await using run = await temporaryRun({ executors: [new ScriptedExecutor()], monitors, asDefault: false });
    const one = app((n: number) => n, { name: 'one', kernel: run.kernel });
    expect(await one(one(2))).toBe(2);
    await sleep(0);
  } finally {
    process.off('warning', listen);
  }
  expect(warnings).toEqual(['a monitor missed an event: no room']);
});

test('a finished run leaves no scratch folders behind', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const keep = bash((io) => io.sh`echo x > ${io.scratch}/left`, { name: 'keep', kernel: run.kernel });
  await keep();
  await failureOf(bash(() => 'touch left; exit 1', { name: 'fail', kernel: run.kernel })());
  await run.kernel.close();
  expect(existsSync(`${run.kernel.runDir}/scratch/threads`)).toBe(false);
});
