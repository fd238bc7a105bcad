import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import { bootName, isOwnerAlive, ownerName } from '../../../src/run/owner.js';
import { startTicksOf } from '../../../src/run/process-identity.js';

const nameOf = (pid: number) => `${pid}-${startTicksOf(pid)}-${bootName()}`;

test('this thread is alive, and not what had its number before, nor after another start of the machine', () => {
  const name = ownerName();
  expect(isOwnerAlive(name)).toBe(true);
  expect(isOwnerAlive(`${name}.17`)).toBe(true);
  const [thread] = name.split('-');
  expect(isOwnerAlive(`${thread}-1-${bootName()}`)).toBe(false);
  expect(isOwnerAlive(name.replace(/-[0-9a-f]*$/, '-00000000'))).toBe(false);
  expect(isOwnerAlive('something else')).toBe(false);
});

describe.runIf(existsSync('/proc/self/task'))('where there is /proc', () => {
  test('a process is alive until it is killed', async () => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    const name = nameOf(child.pid ?? 0);
    expect(isOwnerAlive(name)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isOwnerAlive(name)).toBe(false);
  });

  test('a process that has ended, and of which its parent takes no note, is not alive', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const name = nameOf(Number(line));
    await vi.waitFor(() => expect(isOwnerAlive(name)).toBe(false), { interval: 5 });
    expect(existsSync(`/proc/${line}/stat`)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  test('a thread is alive until it is terminated, though its process lives on', async () => {
    const before = new Set(readdirSync('/proc/self/task'));
    const thread = new Worker(
      'setInterval(() => {}, 1000); require("node:worker_threads").parentPort.postMessage(require("node:fs").readlinkSync("/proc/thread-self"))',
      {
        eval: true,
      },
    );
    const [place] = await once(thread, 'message');
    const number = String(place).split('/').at(-1) ?? '';
    expect(before.has(number)).toBe(false);
    const name = nameOf(Number(number));
    expect(isOwnerAlive(name)).toBe(true);
    await thread.terminate();
    await vi.waitFor(() => expect(isOwnerAlive(name)).toBe(false), { interval: 5 });
  });
});
