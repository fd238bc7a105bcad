import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { app, bash, type HighThroughputOptions, type Io } from 'sluice';
import type { LocalProviderOptions } from 'sluice/hpc';
import { seededRandom } from '../../src/local-cloud/faults/seeded-random.js';
import type { HtexRun } from '../fixtures/htex/htex-run.js';
import { SeenProcesses } from '../fixtures/kernel/seen-processes.js';

/** For who starts the run that is to be plagued. */
export interface ChaosStart {
  readonly options: Partial<HighThroughputOptions>;
  readonly provider: LocalProviderOptions;
  readonly config: { readonly infrastructureRetries: number };
}

/** How it went. */
export interface ChaosReport {
  /** Numbers of the tasks whose result was not what it should be. */
  readonly wrong: readonly number[];
  readonly attempts: number;
  /** Processes that were killed. */
  readonly kills: number;
  /** What is left in the run directory of large values, once the kernel is closed. */
  readonly left: readonly string[];
}

const SPILL_BYTES = 64 * 1024;
const LARGE_BYTES = 100_000;

const START: ChaosStart = {
  options: {
    heartbeatMs: 500,
    heartbeatThresholdMs: 3_000,
    maxIdleMs: 60_000,
    spillBytes: SPILL_BYTES,
    // Whoever kills blocks does not mean that they cannot start.
    submitLimits: { perSecond: 10, perMinute: 600 },
    submitBreaker: { failures: 1_000, pauseMs: 1, longestPauseMs: 1 },
  },
  provider: { initBlocks: 4, minBlocks: 4, maxBlocks: 4 },
  config: { infrastructureRetries: 100 },
};

/**
 * Runs so many tasks while a process is killed every 200 ms, or whenever a task has ended since, if that takes longer:
 * seven times of ten a worker, else a manager with its block.
 * One task in 20 is a command that writes a file, one in 20 makes a large value of a large argument. Resolves once no
 * process of the run is left; rejects when a task fails.
 */
export async function runChaos(tasks: number, start: (with_: ChaosStart) => Promise<HtexRun>): Promise<ChaosReport> {
  const random = seededRandom(20_261_126);
  const seen = new SeenProcesses();
  let report: ChaosReport;
  {
    await using run = await start(START);
    const { kernel } = run;
    const call = callsOf(run);
    const done = Promise.all(Array.from({ length: tasks }, (_, n) => call(n)));
    let isDone = false;
    const noted = done.finally(() => {
      isDone = true;
    });
    noted.catch(() => {});
    let kills = 0;
    while (!isDone) {
      seen.add(run.processes());
      const victims = run.processes(random() < 0.7 ? 'process.js' : 'pilot-main');
      const victim = victims[Math.floor(random() * victims.length)];
      const before = tasksEnded(run);
      if (victim !== undefined && kill(victim)) kills += 1;
      // On a machine so slow that nothing gets done in between, nothing ever would.
      do await Promise.race([sleep(200), noted]);
      while (!isDone && tasksEnded(run) === before);
    }
    const right = await noted;
    const wrong = right.flatMap((isRight, n) => (isRight ? [] : [n]));
    const attempts = kernel.stats().byExecutor.htex?.attempts ?? 0;
    await kernel.close();
    const left = await readdir(join(kernel.runDir, 'values')).catch(() => []);
    report = { wrong, attempts, kills, left };
  }
  await seen.allGone();
  return report;
}

/** Calls task `n`, and resolves with whether it is right. */
function callsOf({ kernel }: HtexRun): (n: number) => Promise<boolean> {
  const square = app(
    async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, n % 40));
      return n * n;
    },
    { name: 'square', kernel },
  );
  const shifted = app((bytes: Uint8Array, by: number) => bytes.map((byte) => byte + by), { name: 'shifted', kernel });
  const echo = bash((n: number, io: Io) => io.sh`echo ${n} > ${io.outputs[0]}`, { name: 'echo', kernel });
  const read = app(async (file: { path: string }) => (await import('node:fs/promises')).readFile(file.path, 'utf8'), {
    name: 'read',
    kernel,
  });
  return async (n) => {
    if (n % 20 === 0) {
      const echoed = echo(n, { outputs: [join(kernel.runDir, `echoed-${n}`)] });
      return (await read(echoed.outputs[0])) === `${n}\n`;
    }
    if (n % 20 !== 10) return (await square(n)) === n * n;
    // From task to task by reference.
    const bytes = await shifted(shifted(new Uint8Array(LARGE_BYTES).fill(n), 1), 2);
    return bytes.length === LARGE_BYTES && bytes.every((byte) => byte === ((n + 3) & 255));
  };
}

function tasksEnded({ kernel }: HtexRun): number {
  return kernel.stats().byExecutor.htex?.tasks ?? 0;
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
