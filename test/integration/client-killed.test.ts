import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { isRunning, whenGone } from '../fixtures/kernel/is-running.js';

const SCRIPT = fileURLToPath(new URL('../fixtures/processes/killed-client.mjs', import.meta.url));

let folder: string;
let clients: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-killed-'));
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Client {
  readonly runId: string;
  readonly pids: readonly number[];
  readonly process: ChildProcess;
}

async function startClient(name: string, where: 'threads' | 'processes'): Promise<Client> {
  const place = join(folder, name);
  const started = spawn(process.execPath, ['--import', 'tsx', SCRIPT, place, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  clients.push(started);
  const [line] = (await once(createInterface({ input: started.stdout }), 'line')) as [string];
  const [runId = '', ...pids] = line.split(' ');
  expect(pids).toHaveLength(8);
  return { runId, pids: pids.map(Number), process: started };
}

/** Processes of this machine in whose `/proc/<pid>/<file>` the text stands. */
function having(file: 'environ' | 'cmdline', text: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });
}

test.each(['threads', 'processes'] as const)(
  'kill -9 of a client with commands on %s leaves nothing of its run, and all of another client’s',
  async (where) => {
    const [killed, other] = await Promise.all([startClient('killed', where), startClient('other', where)]);
    expect(having('environ', `SLUICE_ATTEMPT=${killed.runId}-`).length).toBeGreaterThanOrEqual(8);
    const reapers = () => having('cmdline', `sluice-reaper ${killed.process.pid}-`);
    await vi.waitFor(() => expect(reapers()).toHaveLength(where === 'threads' ? 1 : 0));
    killed.process.kill('SIGKILL');
    await whenGone(killed.pids);
    await vi.waitFor(
      () => {
        expect(having('environ', `SLUICE_ATTEMPT=${killed.runId}-`)).toEqual([]);
        expect(reapers()).toEqual([]);
      },
      { timeout: 5_000, interval: 20 },
    );
    expect(other.pids.every(isRunning)).toBe(true);
    other.process.kill('SIGKILL');
    await whenGone(other.pids);
  },
);
