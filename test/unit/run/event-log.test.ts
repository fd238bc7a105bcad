import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, type RunEvent, ThreadPoolExecutor } from 'sluice';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventsOf } from '../../../src/run/event-line.js';
import { createEventLog } from '../../../src/run/event-log.js';
import { temporaryRun } from '../../fixtures/kernel/temporary-run.js';

let runDir: string;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'sluice-event-log-'));
});
afterEach(() => rm(runDir, { recursive: true, force: true }));

const created = (taskId: number): RunEvent => ({ kind: 'taskCreated', atMs: 5, taskId, app: 'a\n"b"' });
const eventsIn = async (folder: string): Promise<RunEvent[]> => {
  const text = await readFile(join(folder, 'events.ndjson'), 'utf8');
  return text.split('\n').slice(0, -1).flatMap(eventsOf);
};

test('every event is there, in order', async () => {
  const log = createEventLog(runDir);
  for (let taskId = 0; taskId < 3_000; taskId++) log.record(created(taskId));
  await log.close();
  expect(await eventsIn(runDir)).toEqual(Array.from({ length: 3_000 }, (_, taskId) => created(taskId)));
});

test('what happened can be read while the run goes on', async () => {
  const log = createEventLog(runDir);
  log.record(created(1));
  await vi.waitFor(async () => expect(await eventsIn(runDir)).toEqual([created(1)]));
  await log.close();
});

test('what happened is written after 0.2 s, also by a client that does not yield', async () => {
  const log = createEventLog(runDir);
  for (const atMs of [1_000, 1_199, 1_200]) log.record({ ...created(atMs), atMs });
  log.record({ ...created(0), atMs: 1_201 });
  const text = readFileSync(join(runDir, 'events.ndjson'), 'utf8');
  expect(text.split('\n').slice(0, -1).flatMap(eventsOf)).toMatchObject([
    { atMs: 1_000 },
    { atMs: 1_199 },
    { atMs: 1_200 },
  ]);
  await log.close();
});

test('a run that did nothing has an empty log', async () => {
  await createEventLog(runDir).close();
  expect(await readFile(join(runDir, 'events.ndjson'), 'utf8')).toBe('');
});

test('what comes after the close is dropped without a word', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const log = createEventLog(runDir);
  log.record(created(1));
  await log.close();
  log.record(created(2));
  await log.close();
  expect(await eventsIn(runDir)).toEqual([created(1)]);
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test('a folder that is gone is a warning, and nothing waits for it', async () => {
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
  const log = createEventLog(join(runDir, 'not-there'));
  log.record(created(1));
  expect((await warning).message).toContain('events of this run are not being written: ENOENT');
  await log.close();
});

test("the events of a run tell each task's life, in order", async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor()], retries: 1, asDefault: false });
  const again = app(
    (io) => {
      if (io.attempt === 1) throw new Error('once');
      return 1;
    },
    { name: 'again', io: true, kernel: run.kernel },
  );
  const next = app((n: number) => n, { name: 'next', kernel: run.kernel });
  await next(again());
  await run.kernel.close();
  const events = await eventsIn(run.kernel.runDir);
  const lifeOf = (taskId: number): string[] =>
    events.flatMap((event) => {
      if (event.taskId !== taskId) return [];
      if (event.kind === 'taskStatus') return [event.status];
      return ['attempt' in event ? `${event.kind} ${event.attempt}` : event.kind];
    });
  expect(lifeOf(0)).toEqual([
    'taskCreated',
    'launched',
    'attemptStarted 1',
    'attemptEnded 1',
    'attemptStarted 2',
    'attemptEnded 2',
    'done',
  ]);
  expect(lifeOf(1)).toEqual(['taskCreated', 'launched', 'attemptStarted 1', 'attemptEnded 1', 'done']);
  const times = events.map(({ atMs }) => atMs);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  const ends = events.filter((event) => event.kind === 'attemptEnded');
  expect(ends[0]).toMatchObject({
    app: 'again',
    executor: 'threads',
    error: 'once',
    usage: { stagingMs: expect.any(Number) },
  });
  expect(ends[1]).not.toHaveProperty('error');
});
