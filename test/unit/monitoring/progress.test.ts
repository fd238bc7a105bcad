import { PassThrough } from 'node:stream';
import type { RunEvent, TaskStatus } from 'sluice';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgress } from '../../../src/monitoring/progress.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const created = (taskId: number, app: string): RunEvent => ({ kind: 'taskCreated', atMs: 0, taskId, app });
const became = (taskId: number, app: string, status: TaskStatus): RunEvent => ({
  kind: 'taskStatus',
  atMs: 0,
  taskId,
  app,
  from: 'launched',
  status,
});

function watched(): { stream: PassThrough; written: () => string } {
  const stream = new PassThrough();
  return { stream, written: () => String(stream.read() ?? '') };
}

test('without a terminal it writes plain lines, at most one a second', async () => {
  const { stream, written } = watched();
  const progress = createProgress(stream);
  for (let id = 0; id < 3; id++) progress.record(created(id, 'map'));
  progress.record(created(3, 'reduce'));
  progress.record(became(0, 'map', 'launched'));
  progress.record(became(0, 'map', 'done'));
  expect(written()).toBe('');
  vi.advanceTimersByTime(1_000);
  expect(written()).toBe('[  1.0 s] map 1/3  reduce 0/1\n');
  vi.advanceTimersByTime(5_000);
  expect(written()).toBe('');
  progress.record(became(1, 'map', 'failed'));
  progress.record(became(2, 'map', 'cancelled'));
  vi.advanceTimersByTime(1_000);
  expect(written()).toBe('[  7.0 s] map 1/3 (2 failed)  reduce 0/1\n');
  await progress.close();
});

test('the last state is written at the close, and not twice', async () => {
  const { stream, written } = watched();
  const progress = createProgress(stream);
  progress.record(created(0, 'map'));
  vi.advanceTimersByTime(1_000);
  written();
  await progress.close();
  expect(written()).toBe('');
  const second = createProgress(stream);
  second.record(created(0, 'map'));
  second.record(became(0, 'map', 'done'));
  await second.close();
  expect(written()).toBe('[  0.0 s] map 1/1\n');
});

test('a run without tasks writes nothing', async () => {
  const { stream, written } = watched();
  await createProgress(stream).close();
  expect(written()).toBe('');
});
