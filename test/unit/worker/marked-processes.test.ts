import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { killGroup } from '../../../src/run/kill-group.js';
import { findMarked, type Marks, signalMarked, workerMark } from '../../../src/run/marked-processes.js';
import { startTicksOf } from '../../../src/run/process-identity.js';
import { isRunning, whenGone } from '../../fixtures/kernel/is-running.js';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** A process with that environment, once it runs its own program. */
async function processWith(environment: Readonly<Record<string, string>>): Promise<number> {
  const child = spawn('/bin/bash', ['-c', 'echo; read -r'], { env: environment, detached: true });
  started.push(child);
  await once(child.stdout, 'data');
  return child.pid as number;
}

const worker = `${workerMark()}-of-this-test`;
const marks: Marks = { SLUICE_WORKER: worker, SLUICE_ATTEMPT: 'run-1-1' };

describe('the processes with a mark', () => {
  test('are those of the attempt and of the worker alone', async () => {
    const mine = await processWith({ ...marks, PATH: '/bin' });
    await processWith({ ...marks, SLUICE_ATTEMPT: 'run-1-11' });
    await processWith({ ...marks, SLUICE_ATTEMPT: 'other-run-1-1' });
    await processWith({ ...marks, SLUICE_WORKER: 'another' });
    await processWith({ NOTE: `SLUICE_WORKER=${worker} SLUICE_ATTEMPT=run-1-1` });
    expect(findMarked([marks])).toEqual([{ pid: mine, startTicks: startTicksOf(mine) }]);
  });

  test('are all those of the worker, whatever the attempt', async () => {
    const pids = [await processWith({ ...marks }), await processWith({ ...marks, SLUICE_ATTEMPT: 'run-2-1' })];
    await processWith({ ...marks, SLUICE_WORKER: `${worker}1` });
    const found = findMarked([{ SLUICE_WORKER: worker }]).map(({ pid }) => pid);
    expect(found.sort()).toEqual(pids.sort());
  });

  test('are ended only as long as they are the same processes', async () => {
    const pid = await processWith({ ...marks });
    const [found] = findMarked([marks]);
    signalMarked([{ pid, startTicks: '1' }], 'SIGKILL');
    expect(isRunning(pid)).toBe(true);
    signalMarked([found as { pid: number; startTicks: string }], 'SIGKILL');
    await whenGone([pid]);
    signalMarked([found as { pid: number; startTicks: string }], 'SIGKILL');
  });
});

describe('a process group', () => {
  test('is not ended once another process bears its number', async () => {
    const pid = await processWith({});
    expect(killGroup(pid, 'SIGKILL', '1')).toBe('none');
    expect(isRunning(pid)).toBe(true);
    expect(killGroup(pid, 'SIGKILL', startTicksOf(pid))).toBe('sent');
    await whenGone([pid]);
  });

  test('that is gone is no error', async () => {
    const pid = await processWith({});
    killGroup(pid, 'SIGKILL');
    await once(started[0] as ChildProcess, 'close');
    expect(killGroup(pid, 'SIGKILL')).toBe('none');
    expect(startTicksOf(pid)).toBeUndefined();
  });
});
