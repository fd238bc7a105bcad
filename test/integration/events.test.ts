import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { app, type Monitor, type RunEvent } from 'sluice';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryRun } from '../fixtures/kernel/temporary-run.js';

const main = join(import.meta.dirname, '../../dist/bin/sluice.js');
const events = (args: readonly string[], cwd?: string) =>
  promisify(execFile)(process.execPath, [main, 'events', ...args], { cwd });
const parsed = (stdout: string) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RunEvent);
const created = (taskId: number) =>
  JSON.stringify({ app: 'a', atMs: 1, events: [{ kind: 'taskCreated' }], tasks: [taskId] });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-events-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('each event of a run is a line, as a monitor got it', async () => {
  const told: RunEvent[] = [];
  const monitor: Monitor = { record: (event) => void told.push(event), close: async () => {} };
  await using run = await temporaryRun({ monitors: [monitor], asDefault: false });
  const double = app((n: number) => 2 * n, { name: 'double', kernel: run.kernel });
  await Promise.all(Array.from({ length: 20 }, (_, n) => double(double(n))));
  const fails = app(() => Promise.reject(new Error('no')), { name: 'fails', kernel: run.kernel });
  await expect(fails()).rejects.toThrow('no');
  await run.kernel.close();
  const { stdout } = await events([run.kernel.runDir]);
  expect(parsed(stdout)).toEqual(told.map((event) => JSON.parse(JSON.stringify(event, toMicroseconds))));
  const one = parsed((await events([run.kernel.runDir, '--task', '3'])).stdout);
  expect(one.map(({ kind, taskId }) => [kind, taskId])).toEqual([
    ['taskCreated', 3],
    ['taskStatus', 3],
    ['attemptStarted', 3],
    ['attemptEnded', 3],
    ['taskStatus', 3],
  ]);
});

test('without a name it is the newest run', async () => {
  for (const [index, name] of ['20261126T100000-b', '20261126T110000-a'].entries()) {
    await mkdir(join(folder, 'sluice-runs', name), { recursive: true });
    await writeFile(join(folder, 'sluice-runs', name, 'events.ndjson'), `${created(index)}\n`);
  }
  expect(parsed((await events([], folder)).stdout)).toMatchObject([{ taskId: 1 }]);
});

test('what a killed client has half written at the end is left out; anywhere else it is an error', async () => {
  const path = join(folder, 'events.ndjson');
  await writeFile(path, `${created(0)}\n${created(1).slice(0, 20)}`);
  expect(parsed((await events([folder])).stdout)).toMatchObject([{ taskId: 0 }]);
  await appendFile(path, `\n${created(2)}\n`);
  await expect(events([folder])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`line 2 of ${path} is not understood (PROTOCOL)`),
  });
});

test('a folder without events is an error that names the file', async () => {
  await expect(events([folder])).rejects.toMatchObject({
    code: 1,
    stderr: `sluice: there are no events at ${join(folder, 'events.ndjson')} (NOT_FOUND)\n`,
  });
});

test('a reader that has had enough is no error', async () => {
  await writeFile(join(folder, 'events.ndjson'), `${created(0)}\n`.repeat(200_000));
  const child = spawn(process.execPath, [main, 'events', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).toBe('');
});

function toMicroseconds(key: string, value: unknown): unknown {
  return key === 'runMs' || key === 'stagingMs' || key === 'cpuMs'
    ? Math.round((value as number) * 1000) / 1000
    : value;
}
