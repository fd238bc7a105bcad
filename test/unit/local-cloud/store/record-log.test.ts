import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordLog } from '../../../../src/local-cloud/store/record-log.js';

interface Counted {
  readonly key: string;
  readonly count: number;
}

let folder: string;
let log: RecordLog<Counted>;
const path = () => join(folder, 'log.jsonl');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-log-'));
  log = new RecordLog(path());
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

async function reopen(): Promise<void> {
  await log.close();
  log = new RecordLog(path());
  await log.load();
}

const state = () => Object.fromEntries([...log.records].map(([key, { count }]) => [key, count]));

test('what has changed is on disk when it is seen, and found there again', async () => {
  await Promise.all([
    log.put({ key: 'a', count: 1 }),
    log.put({ key: 'ü\n', count: 1 }),
    log.put({ key: 'c', count: 1 }),
  ]);
  await Promise.all([log.put({ key: 'a', count: 2 }), log.remove('c')]);
  expect((await readFile(path(), 'utf8')).trimEnd().split('\n')).toHaveLength(5);
  expect(state()).toEqual({ a: 2, 'ü\n': 1 });
  await reopen();
  expect(state()).toEqual({ a: 2, 'ü\n': 1 });
});

test('a line cut short is no change, and the next one is not lost with it', async () => {
  await log.put({ key: 'a', count: 1 });
  await appendFile(path(), '{"put":{"key":"b","count":');
  await reopen();
  expect(state()).toEqual({ a: 1 });
  await log.put({ key: 'c', count: 1 });
  await reopen();
  expect(state()).toEqual({ a: 1, c: 1 });
});

test('a file most of whose lines are out of date is written anew, and goes on', async () => {
  for (let round = 1; round <= 30; round++) {
    await Promise.all(Array.from({ length: 1000 }, (_, index) => log.put({ key: `${index % 100}`, count: round })));
    await log.put({ key: 'last', count: round });
  }
  const line = '{"put":{"key":"99","count":30}}\n'.length;
  expect((await stat(path())).size).toBeLessThan(12_000 * line);
  const before = state();
  expect(before).toMatchObject({ 0: 30, 99: 30, last: 30 });
  await reopen();
  expect(state()).toEqual(before);
});
