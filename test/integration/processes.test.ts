import { bash, type Io, ThreadPoolExecutor } from 'sluice';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRunning, whenGone } from '../fixtures/kernel/is-running.js';
import { type TemporaryRun, temporaryRun } from '../fixtures/kernel/temporary-run.js';
import { ProcessExecutor } from '../fixtures/process-executor/process-executor.js';
import { leaveDaemon, leaveStray, processesIn, runningIn } from '../fixtures/processes/strays.js';

let run: TemporaryRun;
afterEach(() => run[Symbol.asyncDispose]());

const place = (name: string): string => `${run.folder}/${name}`;

describe.each([
  ['threads', () => new ThreadPoolExecutor({ maxThreads: 2 })],
  ['processes', () => new ProcessExecutor()],
])('what a command leaves outside its group, on %s', (_, executor) => {
  beforeEach(async () => {
    run = await temporaryRun({ executors: [executor()], asDefault: false, infrastructureRetries: 0 });
  });
  const straying = () => bash(leaveStray, { name: 'straying', kernel: run.kernel });

  test('is gone when the task is done', async () => {
    expect(await straying()(place('pids'), 'true')).toBe(0);
    expect(isRunning((await processesIn(place('pids'))).stray)).toBe(false);
  });

  test('is gone when the command has failed', async () => {
    await expect(straying()(place('pids'), 'exit 3')).rejects.toMatchObject({ exitCode: 3 });
    expect(isRunning((await processesIn(place('pids'))).stray)).toBe(false);
  });

  test('is ended with a task that is cancelled', async () => {
    const future = straying()(place('pids'), 'sleep 600');
    const { stray, shell } = await runningIn(place('pids'));
    future.cancel();
    await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
    await whenGone([stray, shell]);
  });

  test('is ended with a task at its walltime', async () => {
    const future = straying()(place('pids'), 'sleep 600', { walltimeMs: 1_500 });
    const { stray, shell } = await processesIn(place('pids'));
    await expect(future).rejects.toMatchObject({ code: 'WALLTIME' });
    await whenGone([stray, shell]);
  });

  test('is ended soon after the task also when it is a daemon that holds nothing of its command', async () => {
    const daemon = bash(leaveDaemon, { name: 'daemon', kernel: run.kernel });
    expect(await daemon(place('pids'), 'true')).toBe(0);
    await whenGone([(await processesIn(place('pids'))).stray]);
  });

  test('is not taken for another attempt’s: that one runs on', async () => {
    const other = straying()(place('other'), 'sleep 600');
    const running = await runningIn(place('other'));
    await straying()(place('first'), 'true');
    const cancelled = straying()(place('second'), 'sleep 600');
    const { stray } = await runningIn(place('second'));
    cancelled.cancel();
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    await whenGone([stray]);
    expect([running.stray, running.shell].every(isRunning)).toBe(true);
    other.cancel();
    await expect(other).rejects.toMatchObject({ code: 'CANCELLED' });
    await whenGone([running.stray, running.shell]);
  });
});

test('what a command leaves is ended when its thread ends under it', async () => {
  run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const orphaned = bash(
    (file: string, _io: Io) => {
      setTimeout(() => {
        throw new Error('beside the command');
      }, 1_500);
      return `setsid bash -c 'echo $$ > "$0.stray"; exec sleep 600' ${file} &
        until test -s ${file}.stray; do sleep 0.01; done
        echo "$(cat ${file}.stray) $$ $PPID" > ${file}.part; mv ${file}.part ${file}; sleep 600`;
    },
    { name: 'orphaned', kernel: run.kernel },
  );
  const future = orphaned(place('pids'));
  const failed = expect(future).rejects.toMatchObject({ code: 'TASK_EXITED' });
  const { stray, shell } = await processesIn(place('pids'));
  await failed;
  await whenGone([stray, shell]);
});

test('kill -9 of a worker ends all that its command left, and nothing of another worker’s', async () => {
  run = await temporaryRun({ executors: [new ProcessExecutor()], asDefault: false, infrastructureRetries: 0 });
  const straying = bash(leaveStray, { name: 'straying', kernel: run.kernel });
  const killed = straying(place('killed'), 'sleep 600');
  const other = straying(place('other'), 'sleep 600');
  const lost = expect(killed).rejects.toMatchObject({ code: 'WORKER_LOST' });
  const { stray, shell, worker } = await runningIn(place('killed'));
  const running = await runningIn(place('other'));
  process.kill(worker, 'SIGKILL');
  await lost;
  await whenGone([stray, shell]);
  expect([running.stray, running.shell].every(isRunning)).toBe(true);
  other.cancel();
  await expect(other).rejects.toMatchObject({ code: 'CANCELLED' });
  await whenGone([running.stray, running.shell]);
});
