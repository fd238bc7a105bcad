import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataFlowKernel, type Executor, load } from 'sluice';

/** A kernel over one executor, in a run folder that goes with it. */
export async function kernelOver(executor: Executor): Promise<{ readonly kernel: DataFlowKernel } & AsyncDisposable> {
  const runDir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const kernel = await load({ executors: [executor], asDefault: false, handleSignals: false, runDir });
  return {
    kernel,
    [Symbol.asyncDispose]: async () => {
      await kernel.close();
      await rm(runDir, { recursive: true, force: true });
    },
  };
}

/** Tasks a second: all are submitted at once. */
export async function rushRate(tasks: number, call: (index: number) => PromiseLike<unknown>): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: tasks }, (_, index) => call(index)));
  return tasks / ((performance.now() - startedMs) / 1000);
}

/** Milliseconds of each of `count` calls, one after the other. */
export async function roundTrips(count: number, call: () => PromiseLike<unknown>): Promise<readonly number[]> {
  const trips: number[] = [];
  for (let index = 0; index < count; index++) {
    const sentMs = performance.now();
    await call();
    trips.push(performance.now() - sentMs);
  }
  return trips;
}
