import type { RunEvent } from 'sluice';
import { expect, test } from 'vitest';
import { type EventLine, eventsOf } from '../../../src/run/event-line.js';
import { EventWriter } from '../../../src/run/event-writer.js';

const base = { atMs: 1_763_846_464_646, taskId: 7, app: 'odd "name"\n\u2028', attempt: 2, executor: 'a\\b' };
const { attempt: _, executor: __, ...task } = base;
const usage = { runMs: 1.234567, stagingMs: 0, cpuMs: 0.5, peakMemoryMiB: 70.4, where: 'lambda "x"' };
const events: RunEvent[] = [
  { kind: 'taskCreated', ...task },
  { kind: 'taskStatus', ...task, from: 'waiting', status: 'launched' },
  { kind: 'attemptStarted', ...base },
  { kind: 'attemptEnded', ...base },
  { kind: 'attemptEnded', ...base, error: 'said "no"\nand left' },
  { kind: 'attemptEnded', ...base, usage: { runMs: 3, stagingMs: 0, where: 'here' } },
  { kind: 'attemptEnded', ...base, usage: { runMs: 3, stagingMs: 0.5, where: 'here' } },
  { kind: 'attemptEnded', ...base, error: 'late', usage: { ...usage, billed: { milliseconds: 2, memoryMiB: 128 } } },
];

/** What a small task goes through at once, in a rush: as it is called, and as it is answered. */
const called = (taskId: number, atMs = 1): RunEvent[] => [
  { kind: 'taskCreated', atMs, taskId, app: 'a' },
  { kind: 'taskStatus', atMs, taskId, app: 'a', from: 'waiting', status: 'launched' },
  { kind: 'attemptStarted', atMs, taskId, app: 'a', attempt: 1, executor: 'x' },
];
const answered = (taskId: number, runMs: number, atMs = 1): RunEvent[] => [
  { kind: 'attemptEnded', ...{ atMs, taskId, app: 'a', attempt: 1, executor: 'x' }, usage: { runMs, ...plain } },
  { kind: 'taskStatus', atMs, taskId, app: 'a', from: 'launched', status: 'done' },
];
const plain = { stagingMs: 0, where: 'here' };

test.each(events)('an event of kind $kind is one line that says all of it', (event) => {
  const lines = linesOf([event]);
  expect(lines).toHaveLength(1);
  expect(lines.flatMap(eventsOf)).toEqual([JSON.parse(JSON.stringify(event, roundTimes))]);
});

test('tasks that go through the same at one time share a line', () => {
  const lines = linesOf([0, 1, 2].flatMap((taskId) => called(taskId)));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      app: 'a',
      atMs: 1,
      events: [
        { kind: 'taskCreated' },
        { kind: 'taskStatus', from: 'waiting', status: 'launched' },
        { kind: 'attemptStarted', attempt: 1, executor: 'x' },
      ],
      tasks: [0, 1, 2],
    } satisfies EventLine,
  ]);
});

test('each of them has the run time of its own', () => {
  const lines = linesOf([...answered(5, 0.25), ...answered(3, 12.3456)]);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      app: 'a',
      atMs: 1,
      events: [
        { kind: 'attemptEnded', attempt: 1, executor: 'x', usage: plain },
        { kind: 'taskStatus', from: 'launched', status: 'done' },
      ],
      tasks: [
        [5, 0.25],
        [3, 12.346],
      ],
    } satisfies EventLine,
  ]);
  expect(lines.flatMap(eventsOf)).toEqual([...answered(5, 0.25), ...answered(3, 12.346)]);
});

test.each<[string, RunEvent[], number]>([
  ['another time', [...called(0, 1), ...called(1, 2)], 2],
  ['other events', [...called(0), ...called(1).slice(0, 2), ...called(2)], 3],
  ['the same task again', [...called(0), ...called(1), ...answered(0, 1), ...called(2)], 3],
  ['another attempt', [...answered(0, 1), ...again(answered(1, 1), 2)], 2],
  ['two ends of one task', [...answered(0, 1), ...again(answered(0, 2), 2)], 2],
  ['more tasks than a line holds', Array.from({ length: 1_001 }, (_, taskId) => called(taskId)).flat(), 2],
])('%s is another line, and the order stays', (_, written, count) => {
  const lines = linesOf(written);
  expect(lines).toHaveLength(count);
  expect(lines.flatMap(eventsOf)).toEqual(written);
});

test('numbers are written as JSON writes them', () => {
  const taskIds = [0, 9, 10, 99, 100, 1_234_567_890, 2 ** 31, Number.MAX_SAFE_INTEGER];
  const created = taskIds.map((taskId): RunEvent => ({ kind: 'taskCreated', atMs: 0.5, taskId, app: 'a' }));
  expect(linesOf(created).flatMap(eventsOf)).toEqual(created);
  const times = [0, 0.001, 0.01, 0.1, 0.9996, 1, 1.05, 12.3456, 999.9996, 999_999.9999, 1e6, 86_400_000.25];
  const ended = times.map((runMs, taskId): RunEvent => {
    return { kind: 'attemptEnded', ...base, taskId, usage: { runMs, ...plain } };
  });
  expect(linesOf(ended).flatMap(eventsOf)).toEqual(ended.map((event) => JSON.parse(JSON.stringify(event, roundTimes))));
});

test('lines of any length come out whole and in order', () => {
  const errors = [10, 70_000, 3, 128 * 1024, 256 * 1024, 500_000, 4_000].map((length) => 'é'.repeat(length));
  const ended = errors.map((error): RunEvent => ({ kind: 'attemptEnded', ...base, error }));
  expect(linesOf(ended).flatMap(eventsOf)).toEqual(ended);
});

test('times are those of each event, whatever the ones before it had', () => {
  const times = [1_763_846_464_646, 1_763_846_464_646, 1_763_846_464_647, 0, 0.5, 12, 1_763_846_464_648];
  const timed = times.flatMap((atMs) => events.map((event) => ({ ...event, atMs })));
  const found = linesOf(timed).flatMap(eventsOf);
  expect(found.map(({ atMs }) => atMs)).toEqual(timed.map(({ atMs }) => atMs));
});

test('names of any text and length come back as they were', () => {
  const names = ['naïve', '\u007f😀', '\ud800', '\0"\\\n', 'ü'.repeat(300_000), '', 'x'.repeat(262_144), 'plain'];
  const named = names.flatMap((name): RunEvent[] => [
    { kind: 'taskCreated', atMs: 1, taskId: 2, app: name },
    { kind: 'attemptEnded', ...base, app: name, executor: name, usage: { runMs: 1, stagingMs: 0, where: name } },
  ]);
  expect(linesOf(named).flatMap(eventsOf)).toEqual(named);
});

test('many apps, executors, attempts and places are told apart', () => {
  const many = Array.from({ length: 100 }, (_, index) => index);
  const named = [...many, ...many].map((index): RunEvent => {
    const usage = { runMs: index / 8, stagingMs: 0, where: `host ${index}` };
    return { kind: 'attemptEnded', ...base, app: `app ${index % 3}`, executor: `${index}`, attempt: index, usage };
  });
  expect(linesOf(named).flatMap(eventsOf)).toEqual(named);
});

test('an attempt is written with the place of its own', () => {
  const ended = ['here', 'there', 'here', 'elsewhere'].map((where, taskId): RunEvent => {
    return { kind: 'attemptEnded', ...base, taskId, usage: { runMs: 1, stagingMs: 0, where } };
  });
  expect(linesOf(ended).flatMap(eventsOf)).toEqual(ended);
});

test('a batch ends with a whole line', () => {
  const batches: string[] = [];
  const writer = new EventWriter((lines) => batches.push(Buffer.from(lines).toString()));
  for (let taskId = 0; taskId < 10_000; taskId++) for (const event of events) writer.write({ ...event, taskId });
  for (let taskId = 0; taskId < 100_000; taskId++) writer.write({ kind: 'taskCreated', ...task, taskId });
  writer.flush();
  expect(batches.length).toBeGreaterThan(10);
  expect(batches.filter((batch) => !batch.endsWith('}\n'))).toEqual([]);
});

function again(written: readonly RunEvent[], attempt: number): RunEvent[] {
  return written.map((event) => (event.kind === 'attemptEnded' ? { ...event, attempt } : event));
}

function linesOf(written: readonly RunEvent[]): string[] {
  const batches: Buffer[] = [];
  const writer = new EventWriter((lines) => batches.push(Buffer.from(lines)));
  for (const event of written) writer.write(event);
  writer.flush();
  return Buffer.concat(batches).toString().split('\n').slice(0, -1);
}

// Times are written to the microsecond, memory to the MiB.
function roundTimes(key: string, value: unknown): unknown {
  if (key === 'peakMemoryMiB') return Math.round(value as number);
  return /Ms$/.test(key) && key !== 'atMs' ? Math.round((value as number) * 1000) / 1000 : value;
}
