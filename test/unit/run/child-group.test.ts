import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ChildGroup, startChildGroup } from '../../../src/run/child-group.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';
import { isRunning, whenGone } from '../../fixtures/kernel/is-running.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-group-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (script: string, mark?: string): Promise<ChildGroup> =>
  startChildGroup('/bin/bash', ['-c', script], {
    cwd: folder,
    env: process.env,
    stdio: ['ignore', 'pipe', 'ignore'],
    ...(mark !== undefined && { mark }),
  });

async function pidsIn(name: string): Promise<number[]> {
  const text = await vi.waitFor(async () => {
    const content = await readFile(join(folder, name), 'utf8');
    expect(content).toMatch(/\n$/);
    return content;
  });
  return text.trim().split(' ').map(Number);
}

test('what a program leaves in its group ends with it', async () => {
  const group = await start('sleep 600 & echo $! > pids; exit 3');
  expect(await group.ended).toEqual({ exitCode: 3 });
  await whenGone(await pidsIn('pids'));
});

test('what left the group is ended where it carries a mark, and let go where it does not', async () => {
  const leave = `setsid bash -c 'echo $$ > pids; exec sleep 600' > /dev/null 2>&1 3>&- &
    until test -s pids; do sleep 0.01; done`;
  await (await start(leave, 'child-group-test')).ended;
  await whenGone(await pidsIn('pids'));
  await rm(join(folder, 'pids'));
  await (await start(leave)).ended;
  const [daemon = 0] = await pidsIn('pids');
  expect(isRunning(daemon)).toBe(true);
  process.kill(daemon, 'SIGKILL');
});

test('asked to end, every process of the group has its grace, also when the program goes first', async () => {
  const group = await start(
    `bash -c 'trap "sleep 0.2; touch ended; exit" TERM; echo $$ > pids; while :; do sleep 0.05; done'; true`,
  );
  const pids = await pidsIn('pids');
  group.end(10_000);
  group.end(0);
  expect(await group.ended).toEqual({ exitCode: 143, signal: 'SIGTERM' });
  expect(await readFile(join(folder, 'ended'), 'utf8')).toBe('');
  await whenGone(pids);
});

test('what does not end when asked is killed after the grace', async () => {
  const group = await start(`trap '' TERM; echo $$ > pids; while :; do sleep 0.05; done`);
  await pidsIn('pids');
  group.end(100);
  expect(await group.ended).toEqual({ exitCode: 137, signal: 'SIGKILL' });
});

test('its output is there when it has ended', async () => {
  const group = await start('head -c 3000000 /dev/zero');
  let bytes = 0;
  group.child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await group.ended;
  expect(bytes).toBe(3_000_000);
});

test('a program that cannot be started is a rejection', async () => {
  const started = startChildGroup(join(folder, 'missing'), [], { env: {}, stdio: ['ignore', 'ignore', 'ignore'] });
  expect(await failureOf(started)).toMatchObject({ code: 'ENOENT' });
});

test('a group that is not waited for keeps no process alive', async () => {
  const { spawn } = await import('node:child_process');
  const module = new URL('../../../dist/run/child-group.js', import.meta.url).href;
  const script = `const { startChildGroup } = await import('${module}');
    const group = await startChildGroup('/bin/sleep', ['600'], { env: process.env, stdio: ['ignore', 'ignore', 'ignore'] });
    group.unref();
    console.log(group.pid);`;
  const client = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  client.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(client, 'close');
  expect(code).toBe(0);
  await whenGone([Number(said)]);
});
