// A million tasks that do nothing, their futures kept: `million.ts threads|piscina` sends `MillionFigures`.
import { availableParallelism } from 'node:os';
import { app, ThreadPoolExecutor } from 'sluice';
import { openPiscina } from './bare/piscina.js';
import type { MillionFigures } from './figures/memory.js';
import { kernelOver, rushRate } from './kernel-over.js';
import { median } from './row.js';

const MANY = 1_000_000;
const FEW = 10_000;

async function figuresOf(call: () => PromiseLike<unknown>): Promise<MillionFigures> {
  const small: number[] = [];
  for (let round = 0; round < 10; round++) small.push(await rushRate(FEW, call));
  const heapBefore = heapBytes();
  const startedMs = performance.now();
  const kept = Array.from({ length: MANY }, call);
  await Promise.all(kept);
  const rate = MANY / ((performance.now() - startedMs) / 1000);
  const bytesPerFuture = (heapBytes() - heapBefore) / kept.length;
  return { smallRate: median(small.slice(3)), rate, bytesPerFuture };
}

function heapBytes(): number {
  for (let round = 0; round < 3; round++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

if (process.argv[2] === 'threads') {
  await using run = await kernelOver(new ThreadPoolExecutor({ maxThreads: availableParallelism() }));
  const noop = app(() => 0, { name: 'noop', kernel: run.kernel });
  process.send?.(await figuresOf(() => noop()));
} else {
  await using pool = await openPiscina(1);
  process.send?.(await figuresOf(() => pool.run(0)));
}
process.disconnect();
