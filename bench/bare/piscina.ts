import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';

/** Tasks a second of piscina alone: the same rush, to threads that give back what they get. */
export async function barePiscina(tasks: number): Promise<number> {
  const pool = new Piscina({
    filename: new URL('./identity.mjs', import.meta.url).href,
    maxThreads: availableParallelism(),
    minThreads: availableParallelism(),
  });
  try {
    await Promise.all(Array.from({ length: 1_000 }, () => pool.run(0)));
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: tasks }, () => pool.run(0)));
    return tasks / ((performance.now() - startedMs) / 1000);
  } finally {
    await pool.destroy();
  }
}
