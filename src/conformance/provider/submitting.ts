import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from './fixture.js';
import { jobOf, lineIn, never, statusOf, untilEnded, untilState } from './jobs.js';

const BLOCKS = 12;

/** Jobs run what they are given, many at once, and are known by their ids. */
export function submitting(check: Check): void {
  check('it describes itself within the bounds it declares', async ({ provider }) => {
    const { initBlocks, minBlocks, maxBlocks, nodesPerBlock, parallelism, statusIntervalMs } = provider;
    assert.ok(minBlocks <= maxBlocks && initBlocks <= maxBlocks);
    assert.ok(minBlocks >= 0 && initBlocks >= 0 && nodesPerBlock >= 1);
    assert.ok(parallelism >= 0 && parallelism <= 1);
    assert.ok(statusIntervalMs > 0);
  });

  check('a command of many lines runs whole, whatever is in it', async (fixture) => {
    const { provider, folder } = fixture;
    const command = `word="it's \\$HOME"\nif true; then\n  printf '%s\\n' "$word" > '${join(folder, 'said')}'\nfi`;
    const jobId = await provider.submit(jobOf('block-0', command), never);
    assert.equal(await lineIn(fixture, 'said'), "it's $HOME");
    assert.equal((await untilEnded(fixture, jobId)).state, 'completed');
  });

  check('its environment reaches the command, and lies in no file that others may read', async (fixture) => {
    const { provider, folder, context } = fixture;
    const secret = `secret $HOME 'quoted' ${Math.random()}`;
    const command = `printf '%s\\n' "$SLUICE_TEST_SECRET" > '${join(folder, 'said')}'`;
    const jobId = await provider.submit(jobOf('block-0', command, { SLUICE_TEST_SECRET: secret }), never);
    assert.equal(await lineIn(fixture, 'said'), secret);
    await untilEnded(fixture, jobId);
    for (const path of await filesBelow(context.runDir)) {
      if (path === join(folder, 'said') || !(await readFile(path, 'utf8')).includes(secret)) continue;
      assert.equal((await stat(path)).mode & 0o777, 0o600, `${path} has the secret`);
    }
  });

  check('many blocks at once have ids of their own, and one question is enough for all', async (fixture) => {
    const { provider } = fixture;
    const codes = Array.from({ length: BLOCKS }, (_, index) => index);
    const jobIds = await Promise.all(
      codes.map((code) => provider.submit(jobOf(`block-${code}`, `exit ${code}`), never)),
    );
    assert.equal(new Set(jobIds).size, BLOCKS);
    for (const jobId of jobIds) await untilEnded(fixture, jobId);
    const backwards = jobIds.toReversed();
    const statuses = await provider.status(backwards, never);
    assert.deepEqual(
      statuses.map(({ jobId, state, exitCode }) => [jobId, state, exitCode]),
      backwards.map((jobId, index) => {
        const code = BLOCKS - 1 - index;
        return [jobId, code === 0 ? 'completed' : 'failed', code];
      }),
    );
  });

  check('ids it does not know are missing, each in its place', async (fixture) => {
    const { provider } = fixture;
    const jobId = await provider.submit(jobOf('block-0', 'true'), never);
    await untilEnded(fixture, jobId);
    const statuses = await provider.status(['999999999', jobId, 'no such job'], never);
    assert.deepEqual(
      statuses.map((status) => [status.jobId, status.state]),
      [
        ['999999999', 'missing'],
        [jobId, 'completed'],
        ['no such job', 'missing'],
      ],
    );
    assert.deepEqual(await provider.status([], never), []);
  });

  check('blocks wait for their turn where there is a limit, and for nobody where there is none', async (fixture) => {
    const { provider, folder, capacity } = fixture;
    const count = (capacity ?? 3) + 1;
    // Each goes on until all of them run.
    const command = (index: number) =>
      `cd '${folder}'; touch runs-${index}; until [ "$(ls | grep -c '^runs-')" -ge ${count} ]; do sleep 0.1; done`;
    const jobIds: string[] = [];
    for (let index = 0; index < count; index++) {
      jobIds.push(await provider.submit(jobOf(`block-${index}`, command(index)), never));
    }
    if (capacity !== undefined) {
      for (const jobId of jobIds.slice(0, capacity)) await untilState(fixture, jobId, 'running');
      const last = jobIds[capacity] ?? '';
      assert.ok(['pending', 'held'].includes((await statusOf(provider, last)).state));
      await provider.cancel([last], never);
      assert.equal((await untilEnded(fixture, last)).state, 'cancelled');
      assert.ok(!(await readdir(folder)).includes(`runs-${capacity}`), 'a pending job ran');
      return provider.cancel(jobIds, never);
    }
    for (const jobId of jobIds) assert.equal((await untilEnded(fixture, jobId)).state, 'completed');
  });

  check('a submission that is no longer wanted rejects with the reason, and nothing runs', async (fixture) => {
    const { provider, folder } = fixture;
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(provider.submit(jobOf('block-0', `touch '${join(folder, 'ran')}'`), signal), /too late/);
    const next = await provider.submit(jobOf('block-1', 'true'), never);
    await untilEnded(fixture, next);
    assert.ok(!(await readdir(folder)).includes('ran'));
  });
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
