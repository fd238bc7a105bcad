import { availableParallelism } from 'node:os';
import { app, ThreadPoolExecutor } from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import { openBareLambda } from '../bare/lambda.js';
import { openPiscina } from '../bare/piscina.js';
import { startCloudProcess } from '../cloud-process.js';
import type { Group } from '../groups.js';
import { kernelOver } from '../kernel-over.js';
import { efficiencyOf, findMetgMs } from '../metg.js';
import { measured } from '../row.js';
import { taskPayload } from '../task-payload.js';

const THREADS = availableParallelism();
const INVOCATIONS = 16;

/** METG(50 %) of threads, whose tasks compute, and of Lambda, whose tasks wait: one machine computes no 16 at a time. */
export const measure: Group = async (runs, report) => {
  report(await measured({ name: 'METG(50 %), threads, beside piscina', unit: ' ms' }, runs, ourThreads, barePiscina));
  await using _cloud = await startCloudProcess(INVOCATIONS * 2);
  const name = `METG(50 %), lambda on local-cloud, ${INVOCATIONS} at a time, beside the SDK`;
  report(await measured({ name, unit: ' ms' }, runs, ourLambda, bareLambda));
};

async function ourThreads(): Promise<number> {
  await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: THREADS }));
  const spin = app(
    (forMs: number) => {
      for (const endMs = performance.now() + forMs; performance.now() < endMs; );
    },
    { name: 'spin', kernel: run.kernel },
  );
  await Promise.all(Array.from({ length: 10_000 }, () => spin(0)));
  return await findMetgMs((durationMs) => efficiencyOf(durationMs, THREADS, spin), 4);
}

async function barePiscina(): Promise<number> {
  await using pool = await openPiscina(1);
  await Promise.all(Array.from({ length: 10_000 }, () => pool.run({ spinMs: 0 })));
  return await findMetgMs((durationMs) => efficiencyOf(durationMs, THREADS, (spinMs) => pool.run({ spinMs })), 4);
}

const nap = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));

async function ourLambda(): Promise<number> {
  await using run = await kernelOver(new LambdaExecutor({ maxConcurrency: INVOCATIONS }));
  const task = app(nap, { name: 'nap', kernel: run.kernel });
  await Promise.all(Array.from({ length: INVOCATIONS * 10 }, () => task(20)));
  return await findMetgMs((durationMs) => efficiencyOf(durationMs, INVOCATIONS, task), 64);
}

async function bareLambda(): Promise<number> {
  using bare = openBareLambda(INVOCATIONS);
  await bare.run(taskPayload(nap, [20]), INVOCATIONS * 10);
  return await findMetgMs(async (durationMs) => {
    const tasks = Math.max(INVOCATIONS * 4, Math.round((500 * INVOCATIONS) / durationMs));
    const startedMs = performance.now();
    await bare.run(taskPayload(nap, [durationMs]), tasks);
    return (tasks * durationMs) / (INVOCATIONS * (performance.now() - startedMs));
  }, 64);
}
