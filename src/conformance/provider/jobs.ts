import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockJob, ExecutionProvider, JobState, JobStatus } from '../../providers/provider.js';
import type { ProviderFixture } from './fixture.js';

/** A signal that nobody aborts. */
export const never: AbortSignal = new AbortController().signal;

/** States after which nothing comes. */
const LAST: readonly JobState[] = ['completed', 'failed', 'cancelled', 'timeout', 'missing'];
/** The order in which a job may go through its states. */
const STAGE: Readonly<Record<JobState, number>> = {
  unknown: 0,
  pending: 1,
  held: 1,
  running: 2,
  completed: 3,
  failed: 3,
  cancelled: 3,
  timeout: 3,
  missing: 3,
};

/** A job of one shell text. */
export function jobOf(blockId: string, command: string, environment: Readonly<Record<string, string>> = {}): BlockJob {
  return { blockId, name: `sluice.test.${blockId}`, command, environment };
}

/** The status of one job, which the provider must answer with. */
export async function statusOf(provider: ExecutionProvider, jobId: string): Promise<JobStatus> {
  const [status, ...others] = await provider.status([jobId], never);
  assert.ok(status !== undefined && others.length === 0, 'one status for each id');
  assert.equal(status.jobId, jobId);
  return status;
}

/** Asks until a job is in a state, and holds it to the order of states meanwhile. */
export async function untilState(fixture: ProviderFixture, jobId: string, wanted: JobState): Promise<JobStatus> {
  return until(fixture, jobId, (state) => state === wanted, wanted);
}

/** Asks until a job has ended, and holds it to the order of states meanwhile. */
export async function untilEnded(fixture: ProviderFixture, jobId: string): Promise<JobStatus> {
  return until(fixture, jobId, (state) => LAST.includes(state), 'ended');
}

async function until(
  { provider, noticeMs }: ProviderFixture,
  jobId: string,
  isIt: (state: JobState) => boolean,
  what: string,
): Promise<JobStatus> {
  const seen: JobState[] = [];
  for (const giveUpAtMs = Date.now() + noticeMs; Date.now() < giveUpAtMs; await sleep(provider.statusIntervalMs)) {
    const status = await statusOf(provider, jobId);
    const before = seen.at(-1) ?? 'unknown';
    // What cannot be told for a moment is told later.
    if (status.state !== 'unknown') {
      assert.ok(STAGE[status.state] >= STAGE[before], `${before}, then ${status.state}`);
      if (status.state !== before) seen.push(status.state);
    }
    if (isIt(status.state)) return status;
    if (LAST.includes(status.state)) assert.fail(`wanted ${what}, it is ${JSON.stringify(status)}`);
  }
  return assert.fail(`not ${what} within ${noticeMs} ms: ${seen.join(', ')}`);
}

/** What a job has written to a file in the folder, once there is a whole line. */
export async function lineIn({ folder, noticeMs }: ProviderFixture, name: string): Promise<string> {
  for (const giveUpAtMs = Date.now() + noticeMs; Date.now() < giveUpAtMs; await sleep(20)) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '');
    if (text.endsWith('\n')) return text.trimEnd();
  }
  return assert.fail(`no job wrote ${name} within ${noticeMs} ms`);
}

/** Asserts that the line a job goes on writing grows no more, once the provider says that it has ended. */
export async function growsNoMore({ folder }: ProviderFixture, name: string): Promise<void> {
  const size = async () => (await readFile(join(folder, name), 'utf8').catch(() => '')).length;
  const before = await size();
  await sleep(400);
  assert.equal(await size(), before, 'a job that has ended runs on');
}

/** Shell text that says it runs, goes on writing to a file, and ends by itself only after ten minutes. */
export function ticking(folder: string, name: string): string {
  const file = join(folder, name);
  return `for i in $(seq 6000); do echo tick >> '${file}'; sleep 0.1; done`;
}
