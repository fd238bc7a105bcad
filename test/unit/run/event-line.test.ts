import type { RunEvent } from 'sluice';
import { expect, test } from 'vitest';
import { createEventLine } from '../../../src/run/event-line.js';

const base = { atMs: 1_763_846_464_646, taskId: 7, app: 'odd "name"\n\u2028', attempt: 2, executor: 'a\\b' };
const { attempt: _, executor: __, ...task } = base;
const usage = { runMs: 1.234567, stagingMs: 0, cpuMs: 0.5, peakMemoryMiB: 70.4, where: 'lambda "x"' };
const events: RunEvent[] = [
  { kind: 'taskCreated', ...task },
  { kind: 'taskStatus', ...task, from: 'waiting', status: 'launched' },
  { kind: 'attemptStarted', ...base },
  { kind: 'attemptEnded', ...base, error: 'said "no"\nand left' },
  { kind: 'attemptEnded', ...base, usage: { runMs: 3, stagingMs: 0, where: 'here' } },
  { kind: 'attemptEnded', ...base, error: 'late', usage: { ...usage, billed: { milliseconds: 2, memoryMiB: 128 } } },
];

test.each(events)('an event of kind $kind is one line of JSON that says all of it', (event) => {
  const line = createEventLine()(event);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(event), roundTimes));
});

// Times are written to the microsecond, memory to the MiB.
function roundTimes(key: string, value: unknown): unknown {
  if (key === 'peakMemoryMiB') return Math.round(value as number);
  return /Ms$/.test(key) && key !== 'atMs' ? Math.round((value as number) * 1000) / 1000 : value;
}
