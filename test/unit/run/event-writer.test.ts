import type { RunEvent } from 'sluice';
import { expect, test } from 'vitest';
import { EventWriter } from '../../../src/run/event-writer.js';

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
  const line = linesOf([event]);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(event), roundTimes));
});

test('numbers are written as JSON writes them', () => {
  const taskIds = [0, 9, 10, 99, 100, 1_234_567_890, Number.MAX_SAFE_INTEGER];
  const lines = linesOf(taskIds.map((taskId) => ({ kind: 'taskCreated', atMs: 0.5, taskId, app: 'a' })));
  expect(parsed(lines)).toEqual(taskIds.map((taskId) => ({ kind: 'taskCreated', app: 'a', atMs: 0.5, taskId })));
  const times = [0, 0.001, 0.01, 0.1, 1, 1.05, 12.3456, 999.9996, 86_400_000.25];
  const ended = times.map((runMs): RunEvent => {
    return { kind: 'attemptEnded', ...base, usage: { runMs, stagingMs: 0, where: 'x' } };
  });
  expect(parsed(linesOf(ended)).map(({ usage }) => usage.runMs)).toEqual(
    times.map((ms) => Math.round(ms * 1000) / 1000),
  );
});

test('lines of any length come out whole and in order', () => {
  const errors = [10, 70_000, 3, 64 * 1024, 200_000, 4_000].map((length) => 'é'.repeat(length));
  const lines = linesOf(errors.map((error) => ({ kind: 'attemptEnded', ...base, error })));
  expect(parsed(lines).map(({ error }) => error)).toEqual(errors);
});

function linesOf(events: readonly RunEvent[]): string {
  const written: Buffer[] = [];
  const writer = new EventWriter((lines) => written.push(Buffer.from(lines)));
  for (const event of events) writer.write(event);
  writer.flush();
  return Buffer.concat(written).toString();
}

function parsed(lines: string): { error?: string; usage: { runMs: number } }[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

// Times are written to the microsecond, memory to the MiB.
function roundTimes(key: string, value: unknown): unknown {
  if (key === 'peakMemoryMiB') return Math.round(value as number);
  return /Ms$/.test(key) && key !== 'atMs' ? Math.round((value as number) * 1000) / 1000 : value;
}
