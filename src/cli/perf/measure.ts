import { app } from '../../apps/app.js';
import type { DataFlowKernel } from '../../kernel/dataflow-kernel.js';

/** What `sluice perf` found; the names are those of its line of JSON. */
export interface PerfFigures {
  readonly executor: string;
  /** Tasks the executor could run at the same time. */
  readonly workers: number;
  readonly tasks: number;
  /** With all tasks submitted at once. */
  readonly tasksPerSecond: number;
  /** Round trip of a task on an idle executor, one after the other. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Resident memory of the client at the end of the rush. */
  readonly clientRssMiB: number;
}

/** Measures a kernel with tasks that do nothing: first a rush of `tasks`, then `sequential` of them in turn. */
export async function measure(
  kernel: DataFlowKernel,
  plan: { executor: string; workers: number; tasks: number; sequential: number; warmUp: number },
): Promise<PerfFigures> {
  const noop = app(() => 0, { name: 'noop', kernel });
  const rush = (count: number) => Promise.all(Array.from({ length: count }, () => noop()));
  await rush(plan.warmUp);
  const startedMs = performance.now();
  await rush(plan.tasks);
  const seconds = (performance.now() - startedMs) / 1000;
  const clientRssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  const roundTrips: number[] = [];
  for (let index = 0; index < plan.sequential; index++) {
    const sentMs = performance.now();
    await noop();
    roundTrips.push(performance.now() - sentMs);
  }
  roundTrips.sort((a, b) => a - b);
  const quantile = (q: number) => Number((roundTrips[Math.ceil(q * roundTrips.length) - 1] ?? 0).toFixed(3));
  return {
    executor: plan.executor,
    workers: plan.workers,
    tasks: plan.tasks,
    tasksPerSecond: Math.round(plan.tasks / seconds),
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    clientRssMiB,
  };
}
