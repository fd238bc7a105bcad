import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from './fixture.js';
import { growsNoMore, jobOf, lineIn, never, statusOf, ticking, untilEnded, untilState } from './jobs.js';

/** A job that has ended says how. */
export function ends(check: Check): void {
  check('a job runs, then is completed, and stays so', async (fixture) => {
    const { provider, folder } = fixture;
    const jobId = await provider.submit(
      jobOf('block-0', `echo runs > '${folder}/runs'; until [ -e '${folder}/go' ]; do sleep 0.1; done`),
      never,
    );
    await lineIn(fixture, 'runs');
    await untilState(fixture, jobId, 'running');
    await provider.submit(jobOf('block-1', `touch '${folder}/go'`), never);
    const ended = await untilEnded(fixture, jobId);
    assert.deepEqual([ended.state, ended.exitCode], ['completed', 0]);
    assert.deepEqual(await statusOf(provider, jobId), ended);
  });

  check('a job that fails has its exit code, and the ends of what it wrote', async (fixture) => {
    const { provider, tellsOutput } = fixture;
    const command = 'seq 20000; seq 20000 >&2; echo "last words" >&2; exit 7';
    const jobId = await provider.submit(jobOf('block-0', command), never);
    const { state, exitCode, stdoutTail, stderrTail } = await untilEnded(fixture, jobId);
    assert.deepEqual([state, exitCode], ['failed', 7]);
    if (!tellsOutput) return assert.deepEqual([stdoutTail, stderrTail], [undefined, undefined]);
    assert.match(stdoutTail ?? '', /\n19999\n20000\n$/);
    assert.match(stderrTail ?? '', /\n20000\nlast words\n$/);
    assert.ok((stdoutTail ?? '').length <= 16_384, 'the whole output is no tail');
  });

  check('a command that does not exist is a failure that says so', async (fixture) => {
    const { provider, tellsOutput } = fixture;
    const jobId = await provider.submit(jobOf('block-0', 'no-such-pilot --at-all'), never);
    const { state, exitCode, stderrTail } = await untilEnded(fixture, jobId);
    assert.deepEqual([state, exitCode], ['failed', 127]);
    if (tellsOutput) assert.match(stderrTail ?? '', /no-such-pilot/);
  });

  check('a job that is killed has failed, and is not said to be done', async (fixture) => {
    const { provider } = fixture;
    const jobId = await provider.submit(jobOf('block-0', 'kill -KILL $$'), never);
    const { state, exitCode, message } = await untilEnded(fixture, jobId);
    assert.equal(state, 'failed');
    assert.ok(exitCode === undefined || exitCode === 137, `exit code ${exitCode}`);
    if (exitCode === undefined) assert.notEqual(message ?? '', '');
  });

  check('a job that reaches its walltime is ended, and says that it was that', async (fixture) => {
    const { createShort, context, folder } = fixture;
    if (createShort === undefined) return;
    const provider = await createShort();
    try {
      assert.ok(provider.walltimeMs !== undefined && provider.walltimeMs <= 5_000);
      await provider.start(context);
      const jobId = await provider.submit(jobOf('block-short', ticking(folder, 'ticks')), never);
      const { state } = await untilEnded({ ...fixture, provider }, jobId);
      assert.equal(state, 'timeout');
      await growsNoMore(fixture, 'ticks');
    } finally {
      await provider.close();
    }
  });

  check('who asked to be told is told when a job ends, where the provider hears of it', async (fixture) => {
    const { provider, noticeMs } = fixture;
    if (provider.onChange === undefined) return;
    const changed = new Promise<string>((resolve) => provider.onChange?.(() => resolve('told')));
    const jobId = await provider.submit(jobOf('block-0', 'true'), never);
    const deadline = new AbortController();
    const late = sleep(noticeMs, 'late', { signal: deadline.signal });
    assert.equal(await Promise.race([changed, late]), 'told');
    deadline.abort();
    await late.catch(() => {});
    assert.equal((await statusOf(provider, jobId)).state, 'completed');
  });
}
