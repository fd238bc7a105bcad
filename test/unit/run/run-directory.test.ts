import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { VERSION } from 'sluice';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRunDirectory } from '../../../src/run/run-directory.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-run-directory-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const ABOUT = { version: VERSION, executors: ['a', 'b'] };

test('it is named by time and id, and holds run.json and tasks/', async () => {
  const run = createRunDirectory(join(root, 'not', 'there', 'yet'), ABOUT);
  expect(run.runId).toMatch(/^\d{8}T\d{6}-[0-9a-f]{8}$/);
  expect(run.path).toBe(join(root, 'not', 'there', 'yet', run.runId));
  expect((await readdir(run.path)).sort()).toEqual(['run.json', 'tasks']);
});

test('run.json says who runs what, where and since when', async () => {
  const run = createRunDirectory(root, ABOUT);
  const facts = JSON.parse(await readFile(join(run.path, 'run.json'), 'utf8')) as Record<string, unknown>;
  expect(facts).toMatchObject({
    runId: run.runId,
    version: VERSION,
    executors: ['a', 'b'],
    pid: process.pid,
    host: hostname(),
    node: process.version,
    argv: process.argv.slice(1),
  });
  const startedMs = Date.parse(facts.startedAt as string);
  expect(Math.abs(Date.now() - startedMs)).toBeLessThan(60_000);
});

test('no two runs share one, however many start at once', async () => {
  const runs = Array.from({ length: 200 }, () => createRunDirectory(root, ABOUT));
  expect(new Set(runs.map(({ path }) => path)).size).toBe(200);
  expect(await readdir(root)).toHaveLength(200);
});

test('names sort by time', () => {
  const [first, second] = [createRunDirectory(root, ABOUT), createRunDirectory(root, ABOUT)];
  expect(first.runId.slice(0, 15) <= second.runId.slice(0, 15)).toBe(true);
});

test('AUTO streams are named after task, app and label, ten thousand to a folder', () => {
  const run = createRunDirectory(root, ABOUT);
  const name = (taskId: number, label?: string) => run.autoLog({ taskId, appName: 'count', label }, 'stdout');
  expect(name(7)).toBe(join(run.path, 'tasks/0000/task_0007_count.stdout'));
  expect(name(9_999, 'first')).toBe(join(run.path, 'tasks/0000/task_9999_count_first.stdout'));
  expect(name(123_456)).toBe(join(run.path, 'tasks/0012/task_123456_count.stdout'));
});

test('whatever an app or a label is called, the name is one of a file, and fits', () => {
  const run = createRunDirectory(root, ABOUT);
  const path = run.autoLog({ taskId: 0, appName: '../../etc/passwd\0', label: `${'é/'.repeat(300)}` }, 'stderr');
  expect(path.startsWith(join(run.path, 'tasks/0000/task_0000_'))).toBe(true);
  expect(Buffer.byteLength(basename(path))).toBeLessThanOrEqual(255);
});

test('a folder that cannot be made is an error that names it', async () => {
  const run = createRunDirectory(root, ABOUT);
  expect((await stat(run.path)).isDirectory()).toBe(true);
  expect(() => createRunDirectory(join(run.path, 'run.json'), ABOUT)).toThrow(join(run.path, 'run.json'));
});
