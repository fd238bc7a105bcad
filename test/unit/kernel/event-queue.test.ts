import { expect, test } from 'vitest';
import { EventQueue } from '../../../src/kernel/event-queue.js';
import type { TaskEvent } from '../../../src/kernel/task.js';
import type { TaskRecord } from '../../../src/kernel/task-record.js';

const DONE: TaskEvent = { kind: 'attemptDone' };
const recordOf = (taskId: number): TaskRecord => ({ taskId }) as TaskRecord;

test('what comes of an event is applied after it, and in order', () => {
  const seen: number[] = [];
  const queue = new EventQueue(({ taskId }) => {
    seen.push(taskId);
    if (taskId === 0) for (const next of [1, 2]) queue.post(recordOf(next), DONE);
    if (taskId === 1) queue.post(recordOf(3), DONE);
  });
  queue.post(recordOf(0), DONE);
  expect(seen).toEqual([0, 1, 2, 3]);
});

test('a chain of 100,000 events needs no recursion', () => {
  let last = 0;
  const queue = new EventQueue(({ taskId }) => {
    last = taskId;
    if (taskId < 100_000) queue.post(recordOf(taskId + 1), DONE);
  });
  queue.post(recordOf(0), DONE);
  expect(last).toBe(100_000);
});

test('an event that throws leaves the queue empty and fit for the next', () => {
  const seen: number[] = [];
  const queue = new EventQueue(({ taskId }) => {
    seen.push(taskId);
    if (taskId === 1) queue.post(recordOf(2), DONE);
    if (taskId === 2) {
      queue.post(recordOf(3), DONE);
      throw new Error('a defect');
    }
  });
  expect(() => queue.post(recordOf(1), DONE)).toThrow('a defect');
  queue.post(recordOf(4), DONE);
  expect(seen).toEqual([1, 2, 4]);
});
