import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, bash, type Io } from 'sluice';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/local-cloud/faults/seeded-random.js';
import { htexRun } from '../fixtures/htex/htex-run.js';
import { whenGone } from '../fixtures/kernel/is-running.js';

const TASKS = Number(process.env.SLUICE_SOAK === undefined ? 1_000 : 5_000);

test(`${TASKS} tasks come through while workers, managers and blocks are killed every 200 ms`, async () => {
  const random = seededRandom(20_261_126);
  const pids = new Set<number>();
  let runDir = '';
  {
    await using run = await htexRun(
      {
        heartbeatMs: 500,
        heartbeatThresholdMs: 3_000,
        maxIdleMs: 60_000,
        // Whoever kills blocks does not mean that they cannot start.
        submitLimits: { perSecond: 10, perMinute: 600 },
        submitBreaker: { failures: 1_000, pauseMs: 1, longestPauseMs: 1 },
      },
      { initBlocks: 4, minBlocks: 4, maxBlocks: 4 },
      { infrastructureRetries: 100 },
    );
    runDir = run.kernel.runDir;
    const { kernel } = run;
    const square = app(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, n % 40));
        return n * n;
      },
      { name: 'square', kernel },
    );
    const echo = bash((n: number, io: Io) => io.sh`test ${n} -ge 0`, { name: 'echo', kernel });
    const results = Array.from({ length: TASKS }, (_, n) => (n % 20 === 0 ? echo(n) : square(n)));
    const done = Promise.all(results);
    let isDone = false;
    const noted = done.finally(() => {
      isDone = true;
    });
    noted.catch(() => {});
    while (!isDone) {
      for (const pid of run.processes()) pids.add(pid);
      const kind = random() < 0.7 ? 'process.js' : 'pilot-main';
      const victims = run.processes(kind);
      const victim = victims[Math.floor(random() * victims.length)];
      if (victim !== undefined) kill(victim);
      await Promise.race([sleep(200), noted]);
    }
    const values = await noted;
    expect(values).toEqual(Array.from({ length: TASKS }, (_, n) => (n % 20 === 0 ? 0 : n * n)));
  }
  await whenGone([...pids]);
  expect(existsSync(join(runDir, 'values'))).toBe(false);
}, 600_000);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
