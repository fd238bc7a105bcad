import assert from 'node:assert/strict';
import type { Check } from './fixture.js';
import { growsNoMore, jobOf, lineIn, never, statusOf, ticking, untilEnded } from './jobs.js';

/** Cancelled jobs end with all that they started. */
export function cancelling(check: Check): void {
  check('a cancelled job is ended with its children, and says that it was cancelled', async (fixture) => {
    const { provider, folder } = fixture;
    const command = `( ${ticking(folder, 'child')} ) &\n${ticking(folder, 'ticks')}`;
    const jobId = await provider.submit(jobOf('block-0', command), never);
    await lineIn(fixture, 'ticks');
    await lineIn(fixture, 'child');
    await provider.cancel([jobId], never);
    assert.equal((await untilEnded(fixture, jobId)).state, 'cancelled');
    await growsNoMore(fixture, 'ticks');
    await growsNoMore(fixture, 'child');
  });

  check('a job is asked to end before it is made to', async (fixture) => {
    const { provider, folder } = fixture;
    const inner = `trap "echo asked > ${folder}/asked; exit 0" TERM; echo runs > ${folder}/runs; while :; do sleep 0.1; done`;
    const jobId = await provider.submit(jobOf('block-0', `bash -c '${inner}'`), never);
    await lineIn(fixture, 'runs');
    await provider.cancel([jobId], never);
    await lineIn(fixture, 'asked');
    assert.equal((await untilEnded(fixture, jobId)).state, 'cancelled');
  });

  check('cancelling twice, and what has ended or never was, changes nothing', async (fixture) => {
    const { provider, folder } = fixture;
    const done = await provider.submit(jobOf('block-0', 'exit 3'), never);
    const ended = await untilEnded(fixture, done);
    const running = await provider.submit(jobOf('block-1', ticking(folder, 'ticks')), never);
    await lineIn(fixture, 'ticks');
    await Promise.all([provider.cancel([running], never), provider.cancel([running, running], never)]);
    assert.equal((await untilEnded(fixture, running)).state, 'cancelled');
    await provider.cancel([done, running, 'no such job'], never);
    await provider.cancel([], never);
    assert.deepEqual(await statusOf(provider, done), ended);
    assert.equal((await statusOf(provider, running)).state, 'cancelled');
  });

  check('cancelling one leaves the others alone', async (fixture) => {
    const { provider, folder } = fixture;
    const [one, other] = await Promise.all([
      provider.submit(jobOf('block-0', ticking(folder, 'one')), never),
      provider.submit(
        jobOf('block-1', `echo runs > '${folder}/other'; until [ -e '${folder}/go' ]; do sleep 0.1; done`),
        never,
      ),
    ]);
    await lineIn(fixture, 'one');
    await lineIn(fixture, 'other');
    await provider.cancel([one], never);
    assert.equal((await untilEnded(fixture, one)).state, 'cancelled');
    assert.equal((await statusOf(provider, other)).state, 'running');
    await provider.submit(jobOf('block-2', `touch '${folder}/go'`), never);
    assert.equal((await untilEnded(fixture, other)).state, 'completed');
  });
}
