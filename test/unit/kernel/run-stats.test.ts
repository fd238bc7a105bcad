import type { RunEvent, TaskStatus } from 'sluice';
import { expect, test } from 'vitest';
import { createRunStats } from '../../../src/kernel/run-stats.js';

const life = (taskId: number, app: string, ...statuses: TaskStatus[]): RunEvent[] => [
  { kind: 'taskCreated', atMs: 0, taskId, app },
  ...statuses.map((status, index): RunEvent => {
    return { kind: 'taskStatus', atMs: 0, taskId, app, from: statuses[index - 1] ?? 'waiting', status };
  }),
];

test('tasks are counted by where they are now', () => {
  const stats = createRunStats();
  const events = [
    ...life(0, 'a', 'launched', 'done'),
    ...life(1, 'a', 'launched', 'delayed'),
    ...life(2, 'b', 'failed'),
    ...life(3, 'b', 'cancelled'),
  ];
  for (const event of events) stats.record(event);
  expect(stats.snapshot().byStatus).toEqual({ waiting: 0, launched: 0, delayed: 1, done: 1, failed: 1, cancelled: 1 });
  expect(stats.snapshot().byApp).toEqual({ a: { total: 2, done: 1, failed: 0 }, b: { total: 2, done: 0, failed: 2 } });
});

test('attempts, run time, what caches gave and what is billed add up by executor', () => {
  const stats = createRunStats();
  const base = { atMs: 0, taskId: 0, app: 'a', attempt: 1, executor: 'burst' } as const;
  const usage = { runMs: 40, stagingMs: 1, cpuMs: 1, peakMemoryMiB: 1, where: 'x' };
  stats.record({ kind: 'attemptStarted', ...base });
  const inputs = { hits: 2, misses: 1, hitBytes: 20, missBytes: 5, evictions: 3 };
  const peered = { ...inputs, fromPeers: 1, peerBytes: 5 };
  stats.record({ kind: 'attemptEnded', ...base, error: 'no', usage: { ...usage, inputs } });
  stats.record({ kind: 'attemptStarted', ...base });
  const billed = { milliseconds: 500, memoryMiB: 2048 };
  stats.record({ kind: 'attemptEnded', ...base, usage: { ...usage, inputs: peered, billed } });
  stats.record({ kind: 'attemptStarted', ...base });
  stats.record({ kind: 'attemptEnded', ...base, error: 'no answer' });
  expect(stats.snapshot().byExecutor).toEqual({
    burst: {
      attempts: 3,
      tasks: 1,
      cacheHits: 4,
      cacheMisses: 2,
      cacheHitBytes: 40,
      peerInputs: 1,
      peerBytes: 5,
      cacheEvictions: 6,
      runMs: 80,
      billedMs: 500,
      billedGbSeconds: 1,
    },
  });
});

test('a snapshot does not change afterwards', () => {
  const stats = createRunStats();
  const before = stats.snapshot();
  for (const event of life(0, 'a')) stats.record(event);
  expect(before).toEqual({ byStatus: {}, byApp: {}, byExecutor: {} });
});
