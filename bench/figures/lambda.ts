import { app } from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import { openBareLambda } from '../bare/lambda.js';
import { startCloudProcess } from '../cloud-process.js';
import type { Group } from '../groups.js';
import { kernelOver } from '../kernel-over.js';
import { type Figure, measured, type Row, rowOf } from '../row.js';
import { taskPayload } from '../task-payload.js';

const MOST = 200;

interface Load {
  readonly sleepMs: number;
  readonly tasks: number;
  readonly concurrency: number;
}

/** Lambda on a local-cloud in another process: short, medium and long tasks, beside the SDK alone and the ideal. */
export const measure: Group = async (runs, report) => {
  await using _cloud = await startCloudProcess(MOST + 20);
  report(
    await besideTheSdk(
      runs,
      { sleepMs: 0, tasks: 1_000, concurrency: 4 },
      { name: 'lambda on local-cloud, no-ops, 4 at a time, beside the SDK', unit: '/s' },
    ),
  );
  report(
    await besideTheSdk(
      runs,
      { sleepMs: 50, tasks: 400, concurrency: 16 },
      {
        name: 'lambda on local-cloud, 50 ms tasks, 16 at a time, beside the SDK',
        unit: '/s',
        targets: [{ of: 'ratio', is: 'at least', value: 0.7 }],
      },
    ),
  );
  report(
    rowOf({ name: `lambda on local-cloud, warm-up: ${MOST} environments started`, unit: ' s' }, [
      { sluice: await warmUpSeconds() },
    ]),
  );
  const long = { sleepMs: 1_000, tasks: MOST, concurrency: MOST };
  report(
    await measured(
      {
        name: `lambda on local-cloud, ${MOST} tasks of 1 s, ${MOST} at a time, warm, beside the ideal`,
        unit: ' s',
        targets: [{ of: 'ratio', is: 'at most', value: 1.15 }],
      },
      runs,
      () => ourSeconds({ ...long, rounds: 3 }),
      async () => 1,
    ),
  );
  report(
    await measured(
      { name: 'the same, the SDK alone, beside the ideal', unit: ' s' },
      runs,
      () => bareSeconds(long),
      async () => 1,
    ),
  );
};

function besideTheSdk(runs: number, load: Load, figure: Figure): Promise<Row> {
  return measured(
    figure,
    runs,
    async () => load.tasks / (await ourSeconds({ ...load, rounds: 2 })),
    async () => load.tasks / (await bareSeconds(load)),
  );
}

const nap = async (forMs: number): Promise<number> => {
  if (forMs > 0) await new Promise((resolve) => setTimeout(resolve, forMs));
  return 0;
};

const WARM_BY_MS = 40_000;

/** Seconds until the last of as many tasks runs: each has an environment to itself, for none ends before. */
async function warmUpSeconds(): Promise<number> {
  await using run = await kernelOver(new LambdaExecutor({ maxConcurrency: MOST }));
  const napUntil = app(
    async (atMs: number) => {
      const startedMs = Date.now();
      await new Promise((resolve) => setTimeout(resolve, atMs - startedMs));
      return startedMs;
    },
    { name: 'napUntil', kernel: run.kernel },
  );
  const startedMs = Date.now();
  const firsts = await Promise.all(Array.from({ length: MOST }, () => napUntil(startedMs + WARM_BY_MS)));
  const seconds = (Math.max(...firsts) - startedMs) / 1000;
  if (seconds * 1000 > WARM_BY_MS) throw new Error(`${MOST} environments took ${seconds} s to start`);
  // Warm means more than started: V8 compiles what runs often, some twenty tasks on.
  const task = app(nap, { name: 'nap', kernel: run.kernel });
  for (let round = 0; round < 25; round++) await Promise.all(firsts.map(() => task(200)));
  return seconds;
}

/** Seconds of the last of `rounds` rounds of the same tasks: the first ones open the sockets and find the limit. */
async function ourSeconds({ sleepMs, tasks, concurrency, rounds }: Load & { rounds: number }): Promise<number> {
  await using run = await kernelOver(new LambdaExecutor({ maxConcurrency: concurrency }));
  const task = app(nap, { name: 'nap', kernel: run.kernel });
  let seconds = Number.NaN;
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: tasks }, () => task(sleepMs)));
    seconds = (performance.now() - startedMs) / 1000;
  }
  return seconds;
}

async function bareSeconds({ sleepMs, tasks, concurrency }: Load): Promise<number> {
  using bare = openBareLambda(concurrency);
  const payload = taskPayload(nap, [sleepMs]);
  await bare.run(payload, tasks);
  const startedMs = performance.now();
  await bare.run(payload, tasks);
  return (performance.now() - startedMs) / 1000;
}
