import fc from 'fast-check';
import type { AppFuture } from 'sluice';
import { expect, test } from 'vitest';
import { anyGraph } from './kernel-graphs/graph.js';
import { type Call, isOver } from './kernel-graphs/model.js';
import { type GraphRun, runGraph } from './kernel-graphs/run-graph.js';

/** What the model says of a call, or the kernel, in the same words. */
interface Ending {
  readonly status: string;
  readonly value?: unknown;
  readonly reason?: string | undefined;
}

function expected({ status, value, reason }: Call): Ending {
  if (status === 'done') return { status, value };
  return status === 'failed' ? { status, reason } : { status };
}

async function actual(future: AppFuture<unknown>): Promise<Ending> {
  const { status } = future;
  if (!isOver({ status })) return { status };
  try {
    return { status, value: await future };
  } catch (error) {
    if (status === 'cancelled') return { status };
    const { code } = error as { code?: string };
    return { status, reason: code === 'DEPENDENCY' || code === 'JOIN' ? code : 'own' };
  }
}

async function check({ model, kernel, futures, attempts, ends }: GraphRun): Promise<void> {
  const endings = await Promise.all([...futures].map(async ([name, future]) => [name, await actual(future)] as const));
  const calls = [...model.calls.values()];
  expect(Object.fromEntries(endings)).toEqual(Object.fromEntries(calls.map((call) => [call.name, expected(call)])));
  expect({ ...Object.fromEntries(calls.map(({ name }) => [name, 0])), ...attempts }).toEqual(model.attempts());
  expect(Object.fromEntries(ends)).toEqual(Object.fromEntries(calls.map(({ name }) => [name, 1])));
  const { done = 0, failed = 0, cancelled = 0, ...unfinished } = kernel.stats().byStatus;
  expect(done + failed + cancelled).toBe(calls.length);
  expect(Object.values(unfinished).every((count) => count === 0)).toBe(true);
  // Idle: nothing is left that would hold up a close.
  let isIdle = false;
  void kernel.waitForAll().then(() => {
    isIdle = true;
  });
  await Promise.resolve().then(() => {});
  expect(isIdle).toBe(true);
}

test('10,000 random graphs end as the model says: values, failures, cancels, attempts, each call once', {
  timeout: 240_000,
}, async () => {
  const property = fc.asyncProperty(anyGraph, async (graph) => check(await runGraph(graph)));
  await fc.assert(property, { numRuns: 10_000 });
});
