import { availableParallelism } from 'node:os';
import { app, ThreadPoolExecutor } from 'sluice';
import { openPiscina } from '../bare/piscina.js';
import type { Group } from '../groups.js';
import { kernelOver } from '../kernel-over.js';
import { measured } from '../row.js';

const TASKS = 100_000;

/** A chain of 100,000 tasks, and one task that takes the results of 100,000; beside piscina told step by step. */
export const measure: Group = async (runs, report) => {
  report(await measured({ name: 'threads, chain of 100,000', unit: ' s' }, runs, ourChain, bareChain));
  report(await measured({ name: 'threads, fan-in of 100,000', unit: ' s' }, runs, ourFanIn, bareFanIn));
};

async function ourChain(): Promise<number> {
  await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: availableParallelism() }));
  const increment = app((value: number) => value + 1, { name: 'increment', kernel: run.kernel });
  return await seconds(TASKS, async () => {
    let last = increment(0);
    for (let link = 1; link < TASKS; link++) last = increment(last);
    return last;
  });
}

async function bareChain(): Promise<number> {
  await using pool = await openPiscina(1);
  return await seconds(TASKS, async () => {
    let last: unknown = 0;
    for (let link = 0; link < TASKS; link++) last = await pool.run((last as number) + 1);
    return last;
  });
}

async function ourFanIn(): Promise<number> {
  await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: availableParallelism() }));
  const one = app(() => 1, { name: 'one', kernel: run.kernel });
  const sum = app((values: number[]) => values.reduce((total, value) => total + value, 0), {
    name: 'sum',
    kernel: run.kernel,
  });
  return await seconds(TASKS, async () => sum(Array.from({ length: TASKS }, () => one())));
}

async function bareFanIn(): Promise<number> {
  await using pool = await openPiscina(16);
  return await seconds(TASKS, async () => {
    const ones = await Promise.all(Array.from({ length: TASKS }, () => pool.run(1)));
    return ((await pool.run(ones)) as number[]).length;
  });
}

async function seconds(expected: number, work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  const result = await work();
  if (result !== expected) throw new Error(`${result} came instead of ${expected}`);
  return (performance.now() - startedMs) / 1000;
}
