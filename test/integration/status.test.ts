import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { app, load } from 'sluice';
import { afterEach, expect, test } from 'vitest';

const main = join(import.meta.dirname, '../../dist/bin/sluice.js');
const status = (...args: string[]) => promisify(execFile)(process.execPath, [main, 'status', ...args]);
const folders: string[] = [];

async function temporaryFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

test('a run that is under way says what it is doing, and its socket goes with it', async () => {
  const runDir = await temporaryFolder('sluice-status-');
  const kernel = await load({ runDir, asDefault: false });
  const one = app(() => 1, { name: 'one', kernel });
  await one();
  const never = app(() => new Promise(() => {}), { name: 'never', kernel })();
  const { stdout } = await status(kernel.runDir, '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    runId: kernel.runId,
    pid: process.pid,
    stats: { byApp: { one: { total: 1, done: 1 }, never: { total: 1, done: 0 } } },
  });
  expect((await status(kernel.runDir)).stdout).toContain('one: 1 of 1 done\n');
  never.cancel();
  await kernel.close();
  expect(await readdir(kernel.runDir)).not.toContain('control.sock');
  await expect(status(kernel.runDir)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('it has ended, or never was (NOT_FOUND)'),
  });
});

test('a run directory whose path is too long for a socket works without one', async () => {
  const runDir = join(await temporaryFolder('sluice-status-'), 'x'.repeat(100));
  const kernel = await load({ runDir, asDefault: false });
  expect(await app(() => 1, { kernel })()).toBe(1);
  await kernel.close();
});
