import { existsSync, readFileSync } from 'node:fs';
import { bash, type Io, ThreadPoolExecutor } from 'sluice';
import { expect, test, vi } from 'vitest';
import { isRunning, whenGone } from '../../../fixtures/kernel/is-running.js';
import { type TemporaryRun, temporaryRun } from '../../../fixtures/kernel/temporary-run.js';

/** A command with a child of its own, which writes both pids when they run; both end only when they are ended. */
function commands(run: TemporaryRun) {
  const polite = bash(
    (pids: string, io: Io) => io.sh`sleep 600 & echo $$ $! > ${pids}.part; mv ${pids}.part ${pids}; wait`,
    {
      name: 'polite',
      kernel: run.kernel,
    },
  );
  const stubborn = bash(
    (pids: string, io: Io) =>
      io.sh`trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $$ $! > ${pids}.part; mv ${pids}.part ${pids}; while :; do sleep 1; done`,
    { name: 'stubborn', kernel: run.kernel },
  );
  return { polite, stubborn };
}

async function pidsIn(path: string): Promise<number[]> {
  await vi.waitFor(() => expect(existsSync(path)).toBe(true), { timeout: 10_000, interval: 5 });
  const pids = readFileSync(path, 'utf8').trim().split(' ').map(Number);
  expect(pids.every(isRunning)).toBe(true);
  return pids;
}

const threads = (): Promise<TemporaryRun> =>
  temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 2 })], asDefault: false });

test('a cancelled command is ended with its children, and the thread takes the next', async () => {
  await using run = await threads();
  const future = commands(run).polite(`${run.folder}/pids`);
  const pids = await pidsIn(`${run.folder}/pids`);
  future.cancel();
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  await whenGone(pids);
  expect(await bash(() => 'true', { name: 'next', kernel: run.kernel })()).toBe(0);
});

test('a command is ended with its children at its walltime', async () => {
  await using run = await threads();
  const future = commands(run).polite(`${run.folder}/pids`, { walltimeMs: 400 });
  const pids = await pidsIn(`${run.folder}/pids`);
  await expect(future).rejects.toMatchObject({ code: 'WALLTIME' });
  await whenGone(pids);
});

test('a cancelled command may clean up first: it gets SIGTERM', async () => {
  await using run = await threads();
  const tidy = bash(
    (pids: string, io: Io) =>
      io.sh`trap 'touch ${`${pids}.tidied`}; exit 0' TERM; sleep 600 & echo $$ $! > ${pids}.part; mv ${pids}.part ${pids}; wait`,
    { name: 'tidy', kernel: run.kernel },
  );
  const future = tidy(`${run.folder}/pids`);
  const pids = await pidsIn(`${run.folder}/pids`);
  future.cancel();
  await whenGone(pids);
  expect(existsSync(`${run.folder}/pids.tidied`)).toBe(true);
});

test('a command that ignores SIGTERM is killed', async () => {
  await using run = await threads();
  const future = commands(run).stubborn(`${run.folder}/pids`);
  const pids = await pidsIn(`${run.folder}/pids`);
  future.cancel();
  await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  await whenGone(pids);
});

test('a command whose thread ends under it is ended with its children', async () => {
  await using run = await threads();
  const orphaned = bash(
    (pids: string, io: Io) => {
      setTimeout(() => {
        throw new Error('beside the command');
      }, 400);
      return io.sh`sleep 600 & echo $$ $! > ${pids}.part; mv ${pids}.part ${pids}; wait`;
    },
    { name: 'orphaned', kernel: run.kernel },
  );
  const future = orphaned(`${run.folder}/pids`);
  const failed = expect(future).rejects.toMatchObject({ code: 'TASK_EXITED' });
  const pids = await pidsIn(`${run.folder}/pids`);
  await failed;
  await whenGone(pids);
});

test('closing the kernel ends the commands that are cancelled by it, before it resolves', async () => {
  await using run = await threads();
  const { polite } = commands(run);
  const futures = ['first', 'second'].map((name) => polite(`${run.folder}/${name}`));
  const pids = (await Promise.all(['first', 'second'].map((name) => pidsIn(`${run.folder}/${name}`)))).flat();
  await run.kernel.close({ onClose: 'cancel' });
  for (const future of futures) await expect(future).rejects.toMatchObject({ code: 'CANCELLED' });
  await whenGone(pids);
});

test('a command that waits for a thread and is cancelled never runs', async () => {
  await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], asDefault: false });
  const { polite } = commands(run);
  const first = polite(`${run.folder}/first`);
  const second = polite(`${run.folder}/second`);
  await pidsIn(`${run.folder}/first`);
  second.cancel();
  await expect(second).rejects.toMatchObject({ code: 'CANCELLED' });
  first.cancel();
  await run.kernel.close();
  expect(existsSync(`${run.folder}/second`)).toBe(false);
});
