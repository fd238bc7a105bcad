import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SimpleLauncher } from '../../../../src/launchers/simple-launcher.js';
import { LocalProvider } from '../../../../src/providers/local/local-provider.js';
import type { LocalProviderOptions } from '../../../../src/providers/local/local-provider-options.js';
import type { BlockJob, JobStatus } from '../../../../src/providers/provider.js';
import { failureOf, thrownBy } from '../../../fixtures/kernel/failure-of.js';
import { whenGone } from '../../../fixtures/kernel/is-running.js';
import { temporaryFolder } from '../../data/temporary-folder.js';

const { signal } = new AbortController();
const job = (command: string, blockId = 'block-0'): BlockJob => ({
  blockId,
  name: `sluice.test.${blockId}`,
  command,
  environment: { SLUICE_SECRET: 'hush' },
});

interface Started extends AsyncDisposable {
  readonly provider: LocalProvider;
  readonly runDir: string;
  /** Submits a job and waits until it has ended. */
  run(command: string): Promise<JobStatus>;
  ended(jobId: string): Promise<JobStatus>;
}

async function started(options: LocalProviderOptions = {}): Promise<Started> {
  const runDir = await temporaryFolder();
  const provider = new LocalProvider({ graceMs: 2_000, ...options });
  await provider.start({ runId: 'run', runDir, label: 'test' });
  const ended = (jobId: string): Promise<JobStatus> =>
    vi.waitFor(
      async () => {
        const [status] = await provider.status([jobId], signal);
        if (status === undefined || status.state === 'running') throw new Error('it runs');
        return status;
      },
      { timeout: 10_000, interval: 10 },
    );
  return {
    provider,
    runDir,
    ended,
    run: async (command) => ended(await provider.submit(job(command), signal)),
    [Symbol.asyncDispose]: () => provider.close(),
  };
}

const lines = (text: string): string[] => text.trimEnd().split('\n');
const pidsIn = (path: string, count: number): Promise<number[]> =>
  vi.waitFor(
    async () => {
      const pids = lines(await readFile(path, 'utf8')).map(Number);
      expect(pids).toHaveLength(count);
      return pids;
    },
    { timeout: 10_000, interval: 10 },
  );

test("a block's script can be read and run again by its owner, and holds no part of its environment", async () => {
  await using it = await started({ workerInit: 'word=hello' });
  await it.run('echo "$word, $SLUICE_SECRET"; echo trouble >&2');
  const blocks = join(it.runDir, 'blocks', 'test');
  expect((await readdir(blocks)).sort()).toEqual(['block-0.err', 'block-0.out', 'block-0.sh']);
  const script = await readFile(join(blocks, 'block-0.sh'), 'utf8');
  expect(lines(script)).toEqual([
    '#!/bin/bash',
    '# sluice.test.block-0',
    'word=hello',
    'echo "$word, $SLUICE_SECRET"; echo trouble >&2',
  ]);
  const modes = await Promise.all(['sh', 'out', 'err'].map((end) => stat(join(blocks, `block-0.${end}`))));
  expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '600', '600']);
  expect(await readFile(join(blocks, 'block-0.out'), 'utf8')).toBe('hello, hush\n');
  expect(await readFile(join(blocks, 'block-0.err'), 'utf8')).toBe('trouble\n');
});

test('a block of several nodes starts a pilot for each', async () => {
  await using it = await started({ nodesPerBlock: 3 });
  expect(await it.run('echo pilot')).toMatchObject({ state: 'completed', stdoutTail: 'pilot\npilot\npilot\n' });
});

test('a launcher that was given is used, also where it starts one pilot for many nodes', async () => {
  await using it = await started({ nodesPerBlock: 3, launcher: new SimpleLauncher() });
  expect(await it.run('echo pilot')).toMatchObject({ state: 'completed', stdoutTail: 'pilot\n' });
});

test('a block runs where the client does', async () => {
  await using it = await started();
  expect(await it.run('pwd')).toMatchObject({ stdoutTail: `${process.cwd()}\n` });
});

test('a job that a signal ended names it', async () => {
  await using it = await started();
  expect(await it.run('kill -SEGV $$')).toMatchObject({ state: 'failed', exitCode: 139, message: 'ended by SIGSEGV' });
});

test('every pilot of a cancelled block is asked once, and has its grace', async () => {
  await using it = await started({ nodesPerBlock: 2, graceMs: 10_000 });
  const pilot = `trap 'echo asked; sleep 0.3; echo done; exit 0' TERM; echo $$ >> ${it.runDir}/pids; while :; do sleep 0.05; done`;
  const jobId = await it.provider.submit(job(`bash -c "${pilot.replaceAll('$', '\\$')}"; true`), signal);
  const pids = await pidsIn(join(it.runDir, 'pids'), 2);
  await it.provider.cancel([jobId], signal);
  await whenGone(pids);
  const { state, stdoutTail = '' } = await it.ended(jobId);
  expect(state).toBe('cancelled');
  expect(lines(stdoutTail)).toEqual(['asked', 'asked', 'done', 'done']);
});

test('a block that ignores SIGTERM, with what left its group, is gone after the grace', async () => {
  await using it = await started({ graceMs: 200 });
  const deaf = `trap '' TERM; echo $$ >> ${it.runDir}/pids; while :; do sleep 0.05; done`;
  const jobId = await it.provider.submit(job(`setsid bash -c "${deaf.replaceAll('$', '\\$')}" & ${deaf}`), signal);
  const pids = await pidsIn(join(it.runDir, 'pids'), 2);
  await it.provider.cancel([jobId], signal);
  await whenGone(pids);
  expect(await it.ended(jobId)).toMatchObject({ state: 'cancelled', exitCode: 137 });
});

test('waiting for the end of a cancelled job can be given up', async () => {
  await using it = await started({ graceMs: 300 });
  const jobId = await it.provider.submit(job(`trap '' TERM; while :; do sleep 0.05; done`), signal);
  const stop = new AbortController();
  const cancelled = it.provider.cancel([jobId], stop.signal);
  stop.abort(new Error('in a hurry'));
  expect(await failureOf(cancelled)).toMatchObject({ message: 'in a hurry' });
  expect(await it.ended(jobId)).toMatchObject({ state: 'cancelled' });
});

test.each([
  ['whose id the run has had', 'block-0', 'EEXIST'],
  ['whose id is no file name', '../block-1', 'no file name'],
])('a block %s is rejected', async (_, blockId, why) => {
  await using it = await started();
  await it.run('true');
  const error = await failureOf<Error>(it.provider.submit(job('true', blockId), signal));
  expect(error).toMatchObject({ code: 'SUBMIT_REJECTED', class: 'infrastructure' });
  expect(error.message).toContain(`block '${blockId}'`);
  expect(error.message).toContain(why);
});

test('a provider serves one executor, once, and not before it is started', async () => {
  const provider = new LocalProvider();
  expect(await failureOf(provider.submit(job('true'), signal))).toMatchObject({ code: 'SUBMIT_REJECTED' });
  await using it = await started();
  const again = it.provider.start({ runId: 'run', runDir: it.runDir, label: 'test' });
  expect(await failureOf(again)).toMatchObject({ code: 'INVALID_OPTIONS' });
});

test('all options have defaults', () => {
  const { nodesPerBlock, initBlocks, minBlocks, maxBlocks, parallelism, walltimeMs } = new LocalProvider();
  expect([nodesPerBlock, initBlocks, minBlocks, maxBlocks, parallelism, walltimeMs]).toEqual([
    1,
    1,
    0,
    1,
    1,
    undefined,
  ]);
});

test('options that do not exist or do not fit are all named at once', () => {
  const wrong = { nodesPerBlock: 0, parallelism: 2, walltime: '00:30', launcher: 'srun', walltimeMs: 2 ** 31 };
  const error = thrownBy<Error>(() => new LocalProvider(wrong as object));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', class: 'usage' });
  for (const name of ['LocalProvider options', ...Object.keys(wrong)]) expect(error.message).toContain(name);
});

test('more blocks at the start, or kept, than there may be are refused', () => {
  const error = thrownBy<Error>(() => new LocalProvider({ initBlocks: 3, minBlocks: 2, maxBlocks: 1 }));
  expect(error.message).toContain('initBlocks');
  expect(error.message).toContain('minBlocks');
});
