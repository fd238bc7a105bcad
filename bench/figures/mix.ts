import { setTimeout as sleep } from 'node:timers/promises';
import { app, ThreadPoolExecutor } from 'sluice';
import { openPiscina } from '../bare/piscina.js';
import type { Group } from '../groups.js';
import { kernelOver } from '../kernel-over.js';
import { measured, quantile } from '../row.js';

// Every 100th task is long: 4 a second of 200 ms take 80 % of one of two threads, and leave the other to the rest.
const ARRIVALS_PER_SECOND = 400;
const SECONDS = 5;
const EVERY = 100;
const LONG_MS = 200;

type Call = (kind: 'short' | 'long') => PromiseLike<unknown>;

/** 1 % of the tasks take 200 ms, tasks arrive on a clock of their own (open loop): how long do the others take? */
export const measure: Group = async (runs, report) => {
  for (const long of ['spin', 'sleep'] as const) {
    const does = long === 'spin' ? 'compute' : 'wait';
    report(
      await measured(
        {
          name: `threads, ${ARRIVALS_PER_SECOND} tasks/s of which 1 % ${does} for ${LONG_MS} ms: p99 of the others`,
          unit: ' ms',
          targets: [{ of: 'sluice', is: 'at most', value: 10 }],
        },
        runs,
        () => ours(long),
        () => bare(long),
      ),
    );
  }
};

async function ours(long: 'spin' | 'sleep'): Promise<number> {
  await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: 2 }));
  const { kernel } = run;
  const short = app(() => 0, { name: 'short', kernel });
  const spin = app(
    (forMs: number) => {
      for (const endMs = performance.now() + forMs; performance.now() < endMs; );
    },
    { name: 'spin', kernel },
  );
  const wait = app((forMs: number) => new Promise<void>((resolve) => setTimeout(resolve, forMs)), {
    name: 'wait',
    kernel,
  });
  return await p99OfShort((kind) => (kind === 'short' ? short() : long === 'spin' ? spin(LONG_MS) : wait(LONG_MS)));
}

async function bare(long: 'spin' | 'sleep'): Promise<number> {
  await using pool = await openPiscina(1);
  return await p99OfShort((kind) => pool.run(kind === 'short' ? 0 : { [`${long}Ms`]: LONG_MS }));
}

async function p99OfShort(call: Call): Promise<number> {
  await Promise.all(Array.from({ length: 500 }, () => call('short')));
  await call('long');
  const count = ARRIVALS_PER_SECOND * SECONDS;
  const tookMs: number[] = [];
  const all: PromiseLike<unknown>[] = [];
  const startedMs = performance.now();
  for (let next = 0; next < count; await sleep(1)) {
    // From when the task was due, not from when this loop got round to it.
    for (let dueMs = startedMs; next < count; next++) {
      dueMs = startedMs + (next * 1000) / ARRIVALS_PER_SECOND;
      if (dueMs > performance.now()) break;
      const kind = next % EVERY === 0 ? 'long' : 'short';
      const done = call(kind);
      all.push(kind === 'long' ? done : done.then(() => tookMs.push(performance.now() - dueMs)));
    }
  }
  await Promise.all(all);
  return quantile(tookMs, 0.99);
}
