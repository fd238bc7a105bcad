import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';

/** A pool of piscina alone, warm; its threads give back what they get, or do for a while what it says. */
export async function openPiscina(
  concurrentTasksPerWorker: number,
): Promise<{ run(task: unknown): Promise<unknown> } & AsyncDisposable> {
  const pool = new Piscina({
    filename: new URL('./identity.mjs', import.meta.url).href,
    maxThreads: availableParallelism(),
    minThreads: availableParallelism(),
    concurrentTasksPerWorker,
  });
  await Promise.all(Array.from({ length: 1_000 }, () => pool.run(0)));
  return { run: (task) => pool.run(task), [Symbol.asyncDispose]: () => pool.destroy() };
}
