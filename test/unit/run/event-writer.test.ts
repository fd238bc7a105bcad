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
  const errors = [10, 70_000, 3, 128 * 1024, 256 * 1024, 500_000, 4_000].map((length) => 'é'.repeat(length));
  const lines = linesOf(errors.map((error) => ({ kind: 'attemptEnded', ...base, error })));
  expect(parsed(lines).map(({ error }) => error)).toEqual(errors);
});

test('times are those of each event, whatever the ones before it had', () => {
  const times = [1_763_846_464_646, 1_763_846_464_646, 1_763_846_464_647, 0, 0.5, 12, 1_763_846_464_648];
  const lines = linesOf(times.flatMap((atMs) => events.map((event) => ({ ...event, atMs }))));
  expect(parsed(lines).map(({ atMs }) => atMs)).toEqual(times.flatMap((atMs) => events.map(() => atMs)));
});

test('names of any text and length come back as they were', () => {
  const names = ['naïve', '\u007f😀', '\ud800', '\0"\\\n', 'ü'.repeat(300_000), '', 'x'.repeat(262_144), 'plain'];
  const named = names.flatMap((name): RunEvent[] => [
    { kind: 'taskCreated', atMs: 1, taskId: 2, app: name },
    { kind: 'attemptEnded', ...base, executor: name, usage: { runMs: 1, stagingMs: 0, where: name } },
  ]);
  const [created, ended] = [0, 1].map((kind) => parsed(linesOf(named)).filter((_, index) => index % 2 === kind));
  expect(created?.map(({ app }) => app)).toEqual(names);
  expect(ended?.map(({ executor, usage }) => [executor, usage.where])).toEqual(names.map((name) => [name, name]));
});

test('many apps, executors, attempts and places are told apart', () => {
  const many = Array.from({ length: 100 }, (_, index) => index);
  const named = [...many, ...many].map((index): RunEvent => {
    const usage = { runMs: index / 7, stagingMs: 0, where: `host ${index}` };
    return { kind: 'attemptEnded', ...base, app: `app ${index % 3}`, executor: `${index}`, attempt: index, usage };
  });
  const found = parsed(linesOf(named));
  expect(found.map(({ attempt }) => attempt)).toEqual([...many, ...many]);
  expect(found).toEqual(named.map((event) => JSON.parse(JSON.stringify(event, roundTimes))));
});

test('an attempt is written with the place of its own', () => {
  const places = ['here', 'there', 'here', 'elsewhere'];
  const ended = places.map((where): RunEvent => {
    return { kind: 'attemptEnded', ...base, usage: { runMs: 1, stagingMs: 0, where } };
  });
  expect(parsed(linesOf(ended)).map(({ usage }) => usage.where)).toEqual(places);
});

test('a batch ends with a whole line', () => {
  const batches: string[] = [];
  const writer = new EventWriter((lines) => batches.push(Buffer.from(lines).toString()));
  for (let taskId = 0; taskId < 10_000; taskId++) for (const event of events) writer.write({ ...event, taskId });
  writer.flush();
  expect(batches.length).toBeGreaterThan(10);
  expect(batches.filter((batch) => !batch.endsWith('}\n'))).toEqual([]);
});

function linesOf(events: readonly RunEvent[]): string {
  const written: Buffer[] = [];
  const writer = new EventWriter((lines) => written.push(Buffer.from(lines)));
  for (const event of events) writer.write(event);
  writer.flush();
  return Buffer.concat(written).toString();
}

interface Parsed {
  readonly atMs: number;
  readonly app: string;
  readonly executor: string;
  readonly attempt: number;
  readonly error?: string;
  readonly usage: { readonly runMs: number; readonly where: string };
}

function parsed(lines: string): Parsed[] {
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
