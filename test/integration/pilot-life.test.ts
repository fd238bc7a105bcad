import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from 'sluice';
import { afterEach, expect, test, vi } from 'vitest';
import { callOf } from '../../src/conformance/executor/calls.js';
import { encodePilotConfig, type PilotConfig } from '../../src/wire/pilot/pilot-config.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { isRunning, whenGone } from '../fixtures/kernel/is-running.js';
import { type PlayedInterchange, playInterchange, resultOf } from '../fixtures/pilot/played-interchange.js';
import { leaveStray, runningIn } from '../fixtures/processes/strays.js';

let interchange: PlayedInterchange;
async function started(changes: Partial<PilotConfig> = {}, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  interchange = await playInterchange(changes);
  interchange.start(environment);
  await interchange.registered();
}
afterEach(() => interchange[Symbol.asyncDispose]());

const one = () => 1;
const sleeping = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms, ms));
const pidOf = () => process.pid;
/** Writes its pid to a file and goes on for ever without yielding. */
const looping = async (path: string) => {
  (await import('node:fs')).writeFileSync(path, String(process.pid));
  for (;;);
};

async function pidIn(file: string): Promise<number> {
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).not.toBe(''), { timeout: 10_000 });
  return Number(await readFile(file, 'utf8'));
}

test('a manager that is drained says so, finishes what it has, and ends', async () => {
  await started();
  await interchange.valueOf(callOf((_: Io) => 'touch something', [], { kind: 'bash' }));
  const running = interchange.submit(callOf(sleeping, [300]));
  interchange.tell({ kind: 'drain' });
  expect(await interchange.hear('draining')).toMatchObject({ reason: 'it was asked to' });
  expect(resultOf(await running.outcome)).toBe(300);
  expect(interchange.manager?.exitCode).toBe(null);
  interchange.tell({ kind: 'drained' });
  expect(await interchange.ended()).toBe(0);
  const left = existsSync(interchange.config.scratchRoot ?? '')
    ? readdirSync(interchange.config.scratchRoot ?? '')
    : [];
  expect(left).toEqual([]);
});

test('it drains by itself before its block ends, and after the time it was given', async () => {
  await started({ walltimeMs: 3_000, drainBeforeEndMs: 2_000 });
  const { remainingMs = 0 } = await interchange.registered();
  expect(remainingMs).toBeGreaterThan(500);
  expect(remainingMs).toBeLessThan(3_000);
  expect(await interchange.hear('draining')).toMatchObject({ reason: 'its block ends soon' });
  await interchange[Symbol.asyncDispose]();
  await started({ drainAfterMs: 100 });
  expect(await interchange.hear('draining')).toMatchObject({ reason: 'it has run for 100 ms' });
});

test('a manager that is stopped ends at once with all it runs', async () => {
  await started();
  const file = join(interchange.folder, 'pid');
  interchange.submit(callOf(looping, [file]));
  const pids = join(interchange.folder, 'pids');
  interchange.submit(callOf(leaveStray, [pids, 'sleep 600'], { kind: 'bash' }));
  const { stray, shell, worker } = await runningIn(pids);
  const looper = await pidIn(file);
  interchange.tell({ kind: 'stop', reason: 'enough' });
  expect(await interchange.ended()).toBe(0);
  expect(interchange.stderr).toContain('ended: enough');
  await whenGone([looper, stray, shell, worker]);
});

test('SIGTERM lets a manager finish what it can in five seconds', async () => {
  await started();
  const short = interchange.submit(callOf(sleeping, [500]));
  await interchange.valueOf(callOf(one, []));
  interchange.manager?.kill('SIGTERM');
  expect(await interchange.hear('draining')).toMatchObject({ reason: 'it got SIGTERM' });
  expect(resultOf(await short.outcome)).toBe(500);
  expect(await interchange.ended()).toBe(0);
  await interchange.hear('bye');
});

test('and stops it then', async () => {
  await started();
  const file = join(interchange.folder, 'pid');
  interchange.submit(callOf(looping, [file]));
  interchange.submit(callOf(sleeping, [60_000]));
  const worker = await pidIn(file);
  const startedMs = performance.now();
  interchange.manager?.kill('SIGTERM');
  expect(await interchange.ended()).toBe(143);
  expect(performance.now() - startedMs).toBeLessThan(9_000);
  await whenGone([worker]);
});

test('a manager whose interchange has gone silent ends its workers and says why', async () => {
  await started({ heartbeatMs: 100, heartbeatThresholdMs: 1_000 });
  const file = join(interchange.folder, 'pid');
  interchange.submit(callOf(looping, [file]));
  const looper = await pidIn(file);
  await interchange.fallSilent();
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toMatch(/silent for \d+ ms/);
  await whenGone([looper]);
});

test('a refusal ends a manager with its reason', async () => {
  await started();
  interchange.tell({ kind: 'refused', reason: 'another version' });
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toContain('refused this manager: another version');
});

test('killing a manager with SIGKILL leaves neither looping workers nor commands', async () => {
  await started();
  const file = join(interchange.folder, 'pid');
  interchange.submit(callOf(looping, [file]));
  const pids = join(interchange.folder, 'pids');
  interchange.submit(callOf(leaveStray, [pids, 'sleep 600'], { kind: 'bash' }));
  const { stray, shell, worker } = await runningIn(pids);
  const looper = await pidIn(file);
  interchange.manager?.kill('SIGKILL');
  await whenGone([looper, stray, shell, worker]);
});

test('a new interchange is told what the manager holds, and what may not have arrived', async () => {
  await started();
  const done = interchange.submit(callOf(one, []));
  await done.outcome;
  const held = interchange.submit(callOf(sleeping, [1_500]));
  await interchange.replace();
  const { holding } = await interchange.registered();
  expect([...holding].sort()).toEqual([done.key, held.key]);
  expect(resultOf(await held.outcome)).toBe(1_500);
  expect(interchange.results.map(({ key }) => key).sort()).toEqual([done.key, done.key, held.key]);
});

test('one that asks who a manager is gets its registration again', async () => {
  await started();
  interchange.heard.length = 0;
  interchange.tell({ kind: 'who' });
  expect((await interchange.registered()).pid).toBe(interchange.manager?.pid);
});

test('a message that is not understood is survived', async () => {
  await started();
  interchange.tell({ kind: 'nonsense' } as never);
  expect(await interchange.valueOf(callOf(one, []))).toBe(1);
  expect(interchange.stderr).toContain('does not understand');
});

test('the environment tells tasks where they run, and nothing secret', async () => {
  await started({ accelerators: ['a', 'b'] }, { MINE: 'passed on' });
  const wanted = ['SLUICE_WORKER_COUNT', 'SLUICE_WORKER_BLOCK_ID', 'MINE', 'SLUICE_PILOT', 'SLUICE_PILOT_FILE'];
  const read = (names: string[]) => names.map((name) => process.env[name]);
  expect(await interchange.valueOf(callOf(read, [wanted]))).toEqual([
    '2',
    'block-0',
    'passed on',
    undefined,
    undefined,
  ]);
  const { id } = await interchange.registered();
  const both = interchange.submitAll(
    [1, 2].map(() =>
      callOf(
        async (names: string[]) => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          return names.map((name) => process.env[name]);
        },
        [
          [
            'SLUICE_WORKER_RANK',
            'SLUICE_WORKER_POOL_ID',
            'CUDA_VISIBLE_DEVICES',
            'ROCR_VISIBLE_DEVICES',
            'ZE_AFFINITY_MASK',
          ],
        ],
      ),
    ),
  );
  const values = await Promise.all(both.map(async ({ outcome }) => resultOf(await outcome) as string[]));
  expect(values.sort()).toEqual([
    ['0', id, 'a', 'a', 'a'],
    ['1', id, 'b', 'b', 'b'],
  ]);
});

test('a task of two slots has the accelerators of both, while nothing else runs', async () => {
  await started({ accelerators: ['a', 'b'] });
  const devices = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return process.env.CUDA_VISIBLE_DEVICES;
  };
  const large = interchange.submit(callOf(devices, [300]), { needs: { accelerators: 2 } });
  const small = interchange.submit(callOf(() => process.env.CUDA_VISIBLE_DEVICES, []));
  expect(resultOf(await large.outcome)).toBe('a,b');
  expect(interchange.results.map(({ key }) => key)).toEqual([large.key]);
  expect(resultOf(await small.outcome)).toMatch(/^[ab]$/);
  const error = await failureOf(interchange.submit(callOf(one, []), { needs: { accelerators: 3 } }).outcome);
  expect(error).toMatchObject({ code: 'RESOURCES_NOT_HONOURED', message: expect.stringContaining('"accelerators":3') });
});

test('the configuration may be in a file', async () => {
  interchange = await playInterchange();
  const file = join(interchange.folder, 'pilot.conf');
  await writeFile(file, encodePilotConfig(interchange.config), { mode: 0o600 });
  interchange.start({ SLUICE_PILOT: undefined, SLUICE_PILOT_FILE: file });
  await interchange.registered();
  expect(
    await interchange.valueOf(
      callOf(() => Object.keys(process.env).filter((name) => name.startsWith('SLUICE_PILOT')), []),
    ),
  ).toEqual([]);
});

test('a manager without a configuration, of another version, or that reaches nobody, says so and ends', async () => {
  interchange = await playInterchange({ connectTimeoutMs: 500, addresses: ['tcp://127.0.0.1:9'] });
  interchange.start({ SLUICE_PILOT: undefined });
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toContain('there is no SLUICE_PILOT');
  interchange.start({ SLUICE_PILOT: encodePilotConfig({ ...interchange.config, sluice: '0.0.0' }) });
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toContain('the client 0.0.0');
  interchange.start();
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toContain('tcp://127.0.0.1:9');
});

test('workers that cannot start end a manager after a few tries, with what they wrote', async () => {
  interchange = await playInterchange();
  interchange.start({ NODE_OPTIONS: '' }, [
    process.execPath,
    '--import',
    'data:text/javascript,process.env.NODE_OPTIONS="--no-such-option"',
  ]);
  expect(await interchange.ended()).toBe(1);
  expect(interchange.stderr).toMatch(/worker processes cannot be started: 5 in a row/);
  expect(interchange.stderr).toContain('--no-such-option');
});

test('large arguments and results arrive as they are', async () => {
  await started();
  const bytes = new Uint8Array(3_000_000).map((_, index) => index % 251);
  const flipped = await interchange.valueOf(callOf((given: Uint8Array) => given.slice().reverse(), [bytes]));
  expect(Buffer.compare(flipped as Uint8Array, bytes.slice().reverse())).toBe(0);
  const slots = callOf((value: string) => value.length, ['x'.repeat(1_000_000)]);
  expect(await interchange.valueOf(slots)).toBe(1_000_000);
});

test('values above the threshold lie where they should, and are references', async () => {
  interchange = await playInterchange();
  const url = `file://${interchange.folder}/spill`;
  const config = { ...interchange.config, spill: { bytes: 1_000, url } };
  interchange.start({ SLUICE_PILOT: encodePilotConfig(config) });
  const { id } = await interchange.registered();
  expect(await interchange.valueOf(callOf((count: number) => 'x'.repeat(count), [10]))).toBe('xxxxxxxxxx');
  const outcome = await interchange.submit(callOf((count: number) => 'x'.repeat(count), [100_000])).outcome;
  expect(outcome).toMatchObject({
    kind: 'value',
    value: { kind: 'reference', url: expect.stringContaining(`${url}/${id}/`) },
  });
  const { value } = outcome as typeof outcome & { kind: 'value'; value: { kind: 'reference' } };
  const length = { ...callOf((text: string) => text.length, ['']), slots: [value] };
  const { SlotMarker } = await import('../../src/conformance/executor/calls.js');
  const call = { ...callOf((text: string) => text.length, [new SlotMarker(0)]), slots: length.slots };
  expect(await interchange.valueOf(call)).toBe(100_000);
});

test('a result that no message can carry fails by name, with the way out', async () => {
  await started({ maxMessageBytes: 1_000_000 });
  const error = await failureOf(interchange.valueOf(callOf((count: number) => 'x'.repeat(count), [2_000_000])));
  expect(error).toMatchObject({ code: 'NOT_SENDABLE', message: expect.stringMatching(/2000\d+ bytes.*spill/s) });
  expect(await interchange.valueOf(callOf(one, []))).toBe(1);
});

test('what workers write is kept where logs go', async () => {
  interchange = await playInterchange({ maxWorkersPerNode: 1 });
  const logFolder = join(interchange.folder, 'logs');
  interchange.start({ SLUICE_PILOT: encodePilotConfig({ ...interchange.config, logFolder }) });
  const { id } = await interchange.registered();
  await interchange.valueOf(callOf(() => console.log('said by a task'), []));
  const log = join(logFolder, `${id}-worker-0.log`);
  await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('said by a task'));
});

test('a command’s processes carry the manager’s mark, and workers run on', async () => {
  await started({ maxWorkersPerNode: 1 });
  const pid = await interchange.valueOf(callOf(pidOf, []));
  const child = callOf((io: Io) => io.sh`test -n "$SLUICE_WORKER" && test -n "$SLUICE_ATTEMPT"`, [], { kind: 'bash' });
  expect(await interchange.valueOf(child)).toBe(0);
  expect(await interchange.valueOf(callOf(pidOf, []))).toBe(pid);
  expect(isRunning(pid as number)).toBe(true);
});
