import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { app, type HighThroughputOptions } from 'sluice';
import { type BlockJob, type ExecutionProvider, LocalProvider } from 'sluice/hpc';
import { describe, expect, test, vi } from 'vitest';
import { decodePilotConfig } from '../../src/wire/pilot/pilot-config.js';
import { elsewhere } from '../fixtures/htex/elsewhere.js';
import { type HtexRun, htexRun } from '../fixtures/htex/htex-run.js';

/** A run whose blocks' jobs are seen as its provider gets them. */
async function watchedRun(provider: ExecutionProvider, options: Partial<HighThroughputOptions> = {}) {
  const jobs: BlockJob[] = [];
  const submit = provider.submit.bind(provider);
  provider.submit = (job, signal) => {
    jobs.push(job);
    return submit(job, signal);
  };
  const run = await htexRun({ provider, ...options });
  await app(() => 1, { name: 'one', kernel: run.kernel })();
  return { run, job: jobs[0] as BlockJob };
}

/** What of a job must not be seen: the key itself, and the whole that has it. */
function secretsOf({ environment }: BlockJob): readonly string[] {
  const { SLUICE_PILOT: inline, SLUICE_PILOT_FILE: file } = environment;
  const text = inline ?? readFileSync(file as string, 'utf8');
  const { security, peers } = decodePilotConfig(text);
  return [security?.client.secretKey as string, text, ...(peers?.key === undefined ? [] : [peers.key])];
}

/** Where secrets are: files of /proc, of all processes there are. */
function whereIs(secrets: readonly string[]): readonly string[] {
  const files = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`]);
  return files.filter((path) => {
    try {
      const text = readFileSync(path, 'latin1');
      return secrets.some((secret) => text.includes(secret));
    } catch {
      return false;
    }
  });
}

/** The same, as a task looks. */
async function seenByTask({ kernel }: HtexRun, secrets: readonly string[]): Promise<readonly string[]> {
  const look = app(
    async (wanted: readonly string[]) => {
      const { readdirSync, readFileSync } = await import('node:fs');
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      const files = pids.flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${process.ppid}/fd/0`]);
      return files.filter((path) => {
        try {
          const text = readFileSync(path, 'latin1');
          return wanted.some((part) => text.includes(part));
        } catch {
          return false;
        }
      });
    },
    { name: 'look', kernel },
  );
  // Halves: what a task is given is in the memory of processes, and in no environment.
  return look(secrets.map((secret) => secret.slice(0, secret.length / 2)));
}

describe('the keys of a run are in the environment of no process', () => {
  test.each([1, 2])(
    'where the disk is shared, with %i managers a block: they are in a file of this user’s',
    async (nodes) => {
      const { run, job } = await watchedRun(new LocalProvider({ nodesPerBlock: nodes }));
      const file = job.environment.SLUICE_PILOT_FILE as string;
      {
        await using _ = run;
        await vi.waitFor(async () => expect(await run.executor.managers()).toHaveLength(nodes), { timeout: 20_000 });
        const secrets = secretsOf(job);
        expect(secrets[0]).toHaveLength(40);
        expect(whereIs(secrets)).toEqual([]);
        expect(await seenByTask(run, secrets)).toEqual([]);
        expect(file).toContain(join(run.kernel.runDir, 'pilots'));
        expect([statSync(file).mode & 0o777, statSync(dirname(file)).mode & 0o777]).toEqual([0o600, 0o700]);
        expect(readFileSync(join(run.kernel.runDir, 'blocks', 'htex', 'block-0.sh'), 'utf8')).not.toContain(
          'SLUICE_PILOT',
        );
        await run.kernel.close();
        expect(existsSync(dirname(file))).toBe(false);
      }
    },
  );

  test('where it is not: the shell that starts a manager hands them on', async () => {
    await using place = await elsewhere();
    const { run, job } = await watchedRun(place.provider());
    await using _ = run;
    const secrets = secretsOf(job);
    expect(Object.keys(job.environment)).toEqual(['SLUICE_PILOT']);
    expect(whereIs(secrets)).toEqual([]);
    expect(await seenByTask(run, secrets)).toEqual([]);
    const [manager] = run.processes('pilot-main');
    expect(readlinkSync(`/proc/${manager}/fd/0`)).toBe('/dev/null');
  });
});

test('the file of a block goes with it', async () => {
  const { run, job } = await watchedRun(new LocalProvider());
  await using _ = run;
  const file = job.environment.SLUICE_PILOT_FILE as string;
  expect(existsSync(file)).toBe(true);
  await run.executor.drain({ block: 'block-0' });
  await vi.waitFor(() => expect(existsSync(file)).toBe(false), { timeout: 20_000 });
});

test('a command of one’s own finds the keys where it is told', async () => {
  const shared = await watchedRun(new LocalProvider(), { pilotCommand: pilotCommand() });
  await shared.run[Symbol.asyncDispose]();
  expect(Object.keys(shared.job.environment)).toEqual(['SLUICE_PILOT_FILE']);
  await using place = await elsewhere();
  const apart = await watchedRun(place.provider(), { pilotCommand: pilotCommand() });
  await apart.run[Symbol.asyncDispose]();
  expect([apart.job.command, Object.keys(apart.job.environment)]).toEqual([pilotCommand(), ['SLUICE_PILOT']]);
});

function pilotCommand(): string {
  return `exec ${process.execPath} ${join(import.meta.dirname, '../../dist/worker/pilot-main.js')}`;
}
