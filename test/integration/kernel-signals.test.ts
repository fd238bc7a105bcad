import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventsOf } from '../../src/run/event-line.js';
import { whenGone } from '../fixtures/kernel/is-running.js';

const SCRIPT = fileURLToPath(new URL('../fixtures/kernel/signalled-run.mjs', import.meta.url));

let runDir: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'sluice-signals-'));
});
afterEach(async () => {
  child?.kill('SIGKILL');
  await rm(runDir, { recursive: true, force: true });
});

interface Running {
  readonly pids: number[];
  /** Standard error so far. */
  readonly said: () => string;
  readonly send: (signal: NodeJS.Signals) => void;
  /** Resolves when standard error has these words. */
  readonly says: (words: string) => Promise<void>;
  readonly exit: Promise<number | null>;
}

/** Starts the script and waits until its commands run. */
async function start(mode: 'awaits' | 'catches' | 'fails' | 'stuck'): Promise<Running> {
  const started = spawn(process.execPath, [SCRIPT, runDir, mode], { stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  let stderr = '';
  started.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exit = once(started, 'close').then(([code]) => code as number | null);
  const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string];
  const says = async (words: string): Promise<void> => {
    while (!stderr.includes(words)) await once(started.stderr, 'data');
  };
  const pids = line.replace('pids ', '').split(' ').map(Number);
  return { pids, said: () => stderr, send: (signal) => void started.kill(signal), says, exit };
}

async function statusesIn(folder: string): Promise<string[]> {
  const runs = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const texts = await Promise.all(runs.map(({ name }) => readFile(join(folder, name, 'events.ndjson'), 'utf8')));
  const events = texts.join('').trim().split('\n').flatMap(eventsOf);
  return events.flatMap((event) => (event.kind === 'taskStatus' ? [event.status] : []));
}

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, code) => {
  test(`once cancels every kernel, ends the commands, writes the events, and exits ${code}`, async () => {
    const run = await start('catches');
    run.send(signal);
    expect(await run.exit).toBe(code);
    expect(run.said()).toBe(`${signal}: cancelling the run; once more ends it at once\n`);
    await whenGone(run.pids);
    expect((await statusesIn(runDir)).filter((status) => status === 'cancelled')).toHaveLength(3);
  });
});

test('a script that fails by its cancelled task lives until everything has ended, and then exits 130', async () => {
  const run = await start('awaits');
  run.send('SIGINT');
  expect(await run.exit).toBe(130);
  expect(run.said()).toBe('SIGINT: cancelling the run; once more ends it at once\n');
  await whenGone(run.pids);
  expect((await statusesIn(runDir)).filter((status) => status === 'cancelled')).toHaveLength(3);
});

test('any other error that nobody catches still ends it, and is shown', async () => {
  const run = await start('fails');
  run.send('SIGINT');
  expect(await run.exit).toBe(130);
  expect(run.said()).toContain('RangeError: not cancelled');
  await whenGone(run.pids);
});

test('SIGINT twice exits at once, though an executor does not end', async () => {
  const run = await start('stuck');
  run.send('SIGINT');
  await run.says('once more ends it at once');
  const sentMs = performance.now();
  run.send('SIGINT');
  expect(await run.exit).toBe(130);
  // Once would have waited for the executor's 10 s of grace.
  expect(performance.now() - sentMs).toBeLessThan(5_000);
  await whenGone(run.pids);
});
