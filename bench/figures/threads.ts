import { availableParallelism } from 'node:os';
import { app, ThreadPoolExecutor } from 'sluice';
import { openPiscina } from '../bare/piscina.js';
import type { Group } from '../groups.js';
import { kernelOver, roundTrips, rushRate } from '../kernel-over.js';
import { measured, quantile } from '../row.js';

const TASKS = 20_000;
const SEQUENTIAL = 4_000;

/** Tasks that do nothing on threads, beside piscina: all at once (its best of three settings), and one by one. */
export const measure: Group = async (runs, report) => {
  report(
    await measured(
      {
        name: `threads, ${TASKS.toLocaleString('en')} no-ops at once, beside the best of piscina`,
        unit: '/s',
        targets: [
          { of: 'sluice', is: 'at least', value: 60_000 },
          { of: 'ratio', is: 'at least', value: 1.5 },
        ],
      },
      runs,
      () => onThreads((noop) => rushRate(TASKS, noop)),
      async () => Math.max(await piscinaRush(1), await piscinaRush(16), await piscinaRush(64)),
    ),
  );
  report(
    await measured(
      {
        name: 'threads, round trip p50, beside piscina',
        unit: ' ms',
        targets: [{ of: 'ratio', is: 'at most', value: 1.25 }],
      },
      runs,
      () => onThreads(roundTripP50),
      async () => {
        await using pool = await openPiscina(1);
        return await roundTripP50(() => pool.run(0));
      },
    ),
  );
};

async function onThreads(use: (noop: () => PromiseLike<unknown>) => Promise<number>): Promise<number> {
  await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: availableParallelism() }));
  const noop = app(() => 0, { name: 'noop', kernel: run.kernel });
  await rushRate(TASKS, noop);
  return await use(() => noop());
}

async function piscinaRush(concurrentTasksPerWorker: number): Promise<number> {
  await using pool = await openPiscina(concurrentTasksPerWorker);
  await rushRate(TASKS, () => pool.run(0));
  return await rushRate(TASKS, () => pool.run(0));
}

async function roundTripP50(call: () => PromiseLike<unknown>): Promise<number> {
  await roundTrips(SEQUENTIAL, call);
  return quantile(await roundTrips(SEQUENTIAL, call), 0.5);
}
