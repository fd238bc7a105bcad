import { app, HighThroughputExecutor, type HighThroughputOptions } from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import { type ChainSizes, type ChainSockets, openPilotChain } from '../bare/pilot-chain.js';
import type { Group } from '../groups.js';
import { kernelOver, roundTrips, rushRate } from '../kernel-over.js';
import { efficiencyOf, findMetgMs } from '../metg.js';
import { measured, quantile } from '../row.js';

const WORKERS = 2;
const TASKS = 20_000;
const SEQUENTIAL = 2_000;
/** What a task that does nothing weighs on the wire, with its code sent before, and its result. */
const SMALL: ChainSizes = { messageBytes: 110, answerBytes: 110 };
const MEGABYTE = 1_000_000;
const LARGE_TASKS = 200;
const LARGE: ChainSizes = { messageBytes: MEGABYTE, answerBytes: SMALL.answerBytes };

/** The pilot executor on this machine, beside zeromq alone through as many processes. */
export const measure: Group = async (runs, report) => {
  report(
    await measured(
      {
        name: `htex, ${TASKS.toLocaleString('en')} no-ops at once, encrypted, beside a bare zeromq chain unbatched`,
        unit: '/s',
        targets: [{ of: 'sluice', is: 'at least', value: 10_000 }],
      },
      runs,
      () => onPilot({}, async (noop) => rushRate(TASKS, noop)),
      () => onChain('curve', SMALL, (trip) => pipelined(trip)),
    ),
  );
  for (const wire of ['curve', 'plain'] as const) {
    report(
      await measured(
        {
          name: `htex, round trip p50, ${wire}, beside a bare zeromq chain over TCP`,
          unit: ' ms',
          targets: [
            { of: 'sluice', is: 'at most', value: 1 },
            { of: 'ratio', is: 'at most', value: 1.4 },
          ],
        },
        runs,
        () => onPilot({ encrypted: wire === 'curve' }, tripP50),
        () => onChain(wire, SMALL, tripP50, 'tcp'),
      ),
    );
    report(
      await measured(
        { name: `the same, beside a bare zeromq chain over the same Unix sockets, ${wire}`, unit: ' ms' },
        runs,
        () => onPilot({ encrypted: wire === 'curve' }, tripP50),
        () => onChain(wire, SMALL, tripP50),
      ),
    );
  }
  report(
    await measured(
      {
        name: `htex, ${LARGE_TASKS} arguments of 1 MB, all distinct, through the wire, beside a bare zeromq chain`,
        unit: '/s',
        targets: [{ of: 'sluice', is: 'at least', value: 200 }],
      },
      runs,
      () => largeArguments(64 * 1024 * 1024),
      () => onChain('curve', LARGE, largeTrips),
    ),
  );
  report(
    await measured(
      {
        name: `htex, ${LARGE_TASKS} arguments of 1 MB, all distinct, by reference`,
        unit: '/s',
        targets: [{ of: 'sluice', is: 'at least', value: 640 }],
      },
      runs,
      () => largeArguments(256 * 1024),
    ),
  );
  report(
    await measured(
      {
        name: `htex, efficiency of 10 ms tasks on ${WORKERS} workers`,
        unit: '',
        targets: [{ of: 'sluice', is: 'at least', value: 0.9 }],
      },
      runs,
      () => onPilot({}, (_, nap) => efficiency({ tasks: 200, durationMs: 10, workers: WORKERS }, nap)),
    ),
  );
  report(
    await measured(
      {
        name: 'htex, efficiency of 1 s sleeps on 200 workers',
        unit: '',
        targets: [{ of: 'sluice', is: 'at least', value: 0.9 }],
      },
      runs,
      () =>
        onPilot({ maxWorkersPerNode: 200, coresPerWorker: 0.01 }, (_, nap) =>
          efficiency({ tasks: 1_000, durationMs: 1_000, workers: 200 }, nap),
        ),
    ),
  );
  report(
    await measured({ name: 'METG(50 %), htex', unit: ' ms' }, runs, () =>
      onPilot({}, (_, nap) => findMetgMs((durationMs) => efficiencyOf(durationMs, WORKERS, nap), 4)),
    ),
  );
};

type Call = (index: number) => PromiseLike<unknown>;

/** A warm executor of one block on this machine; `use` gets an app that does nothing, and one that waits. */
async function onPilot(
  options: Partial<HighThroughputOptions>,
  use: (noop: Call, nap: (forMs: number) => PromiseLike<unknown>) => Promise<number>,
): Promise<number> {
  const workers = options.maxWorkersPerNode ?? WORKERS;
  await using run = await kernelOver(
    new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: workers, ...options }),
  );
  const noop = app(() => 0, { name: 'noop', kernel: run.kernel });
  const nap = app((forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs)), {
    name: 'nap',
    kernel: run.kernel,
  });
  // As many that wait as there are workers: each of them has started then.
  await Promise.all(Array.from({ length: workers }, () => nap(200)));
  await rushRate(5_000, () => noop());
  return await use(() => noop(), nap);
}

async function onChain(
  wire: 'curve' | 'plain',
  sizes: ChainSizes,
  use: (trip: Call) => Promise<number>,
  sockets?: ChainSockets,
): Promise<number> {
  await using chain = await openPilotChain(wire, sizes, sockets);
  // Memory of its own for each, as every task's call has.
  return await use((index) => chain.roundTrip(Buffer.alloc(sizes.messageBytes, index)));
}

async function largeTrips(trip: Call): Promise<number> {
  await rushRate(20, trip);
  return rushRate(LARGE_TASKS, trip);
}

async function pipelined(trip: Call): Promise<number> {
  await rushRate(2_000, trip);
  return rushRate(TASKS, trip);
}

async function tripP50(call: Call): Promise<number> {
  await roundTrips(SEQUENTIAL / 4, () => call(0));
  return quantile(await roundTrips(SEQUENTIAL, () => call(0)), 0.5);
}

async function efficiency(
  { tasks, durationMs, workers }: { tasks: number; durationMs: number; workers: number },
  nap: (forMs: number) => PromiseLike<unknown>,
): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: tasks }, () => nap(durationMs)));
  return (tasks * durationMs) / (workers * (performance.now() - startedMs));
}

/** Tasks a second, each with a megabyte of its own. @param spillBytes above which values go by reference */
async function largeArguments(spillBytes: number): Promise<number> {
  await using run = await kernelOver(
    new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: WORKERS, spillBytes }),
  );
  const size = app((bytes: Uint8Array) => bytes.length, { name: 'size', kernel: run.kernel });
  const distinct = Array.from({ length: LARGE_TASKS }, (_, index) => new Uint8Array(MEGABYTE).fill(index));
  const call: Call = (index) => size(distinct[index] as Uint8Array);
  await rushRate(20, call);
  return await rushRate(LARGE_TASKS, call);
}
