import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { app, bash, DependencyError, file, HighThroughputExecutor, type Io, type SluiceError } from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import { describe, expect, test, vi } from 'vitest';
import { htexRun } from '../fixtures/htex/htex-run.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { whenGone } from '../fixtures/kernel/is-running.js';

const LONG_MS = 120_000;
const cli = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../dist/bin/sluice.js'), ...args]);

describe('a run on pilots', () => {
  test(
    'starts a block for the first task, runs apps in worker processes, and leaves nothing behind',
    async () => {
      const pids: number[] = [];
      {
        await using run = await htexRun({}, { initBlocks: 0 });
        const { kernel } = run;
        const where = app(() => process.pid, { name: 'where', kernel });
        const say = bash((word: string, io: Io) => io.sh`echo ${word} > ${io.outputs[0]}`, { name: 'say', kernel });
        expect(run.executor.blocks()).toEqual([]);
        const pid = await where();
        expect(run.processes('process.js')).toContain(pid);
        const file = join(kernel.runDir, 'said.txt');
        await say('hello', { outputs: [file] });
        expect(readFileSync(file, 'utf8')).toBe('hello\n');
        pids.push(...run.processes());
        expect(pids.length).toBeGreaterThanOrEqual(4);
      }
      await whenGone(pids);
    },
    LONG_MS,
  );

  test(
    'a client that computes delays no task: managers and interchange go on without it',
    async () => {
      await using run = await htexRun({ heartbeatMs: 200, heartbeatThresholdMs: 800 });
      const stamp = app(
        async (forMs: number) => {
          await new Promise((resolve) => setTimeout(resolve, forMs));
          return Date.now();
        },
        { name: 'stamp', kernel: run.kernel },
      );
      await stamp(0);
      const stamps = Array.from({ length: 8 }, () => stamp(200));
      await new Promise((resolve) => setImmediate(resolve));
      const busyUntilMs = Date.now() + 2_500;
      while (Date.now() < busyUntilMs);
      const ends = await Promise.all(stamps);
      expect(Math.max(...ends)).toBeLessThan(busyUntilMs);
    },
    LONG_MS,
  );

  test(
    'a manager that is killed costs its tasks an attempt, and another block takes them',
    async () => {
      await using run = await htexRun({}, { initBlocks: 2, minBlocks: 2, maxBlocks: 2 });
      const nap = app(
        async (n: number) => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          return n;
        },
        { name: 'nap', kernel: run.kernel },
      );
      await nap(0);
      const naps = Array.from({ length: 12 }, (_, n) => nap(n));
      const [manager] = run.processes('pilot-main');
      process.kill(manager as number, 'SIGKILL');
      expect(await Promise.all(naps)).toEqual(Array.from({ length: 12 }, (_, n) => n));
    },
    LONG_MS,
  );

  test(
    'the end of the interchange is survived: running tasks finish, none runs twice',
    async () => {
      // Its managers have so long to come back: a busy machine needs it.
      await using run = await htexRun({ heartbeatMs: 300, heartbeatThresholdMs: 15_000 });
      const warned = once(process, 'warning');
      const log = join(run.kernel.runDir, 'ran');
      const note = app(
        async (n: number, path: string) => {
          const { appendFile } = await import('node:fs/promises');
          await appendFile(path, `${n}\n`);
          await new Promise((resolve) => setTimeout(resolve, 400));
          return n;
        },
        { name: 'note', kernel: run.kernel },
      );
      await note(-1, log);
      const notes = Array.from({ length: 10 }, (_, n) => note(n, log));
      await vi.waitFor(() => expect(readFileSync(log, 'utf8').split('\n').length).toBeGreaterThan(3));
      const [interchange] = run.processes('interchange');
      process.kill(interchange as number, 'SIGKILL');
      expect(await Promise.all(notes)).toEqual(Array.from({ length: 10 }, (_, n) => n));
      const ran = readFileSync(log, 'utf8').trim().split('\n').map(Number);
      expect(ran.toSorted((a, b) => a - b)).toEqual([-1, ...Array.from({ length: 10 }, (_, n) => n)]);
      const [warning] = (await warned) as [Error];
      expect(warning.message).toMatch(
        /the interchange of executor 'htex' ended with signal SIGKILL; another one takes over/,
      );
    },
    LONG_MS,
  );

  test(
    'kill -9 of the client ends interchange, managers and workers without help',
    async () => {
      const script = join(import.meta.dirname, '../fixtures/htex/killed-client.ts');
      const client = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(client.stdout, 'data')) as [Buffer];
      const pids = JSON.parse(String(line)) as number[];
      expect(pids.length).toBeGreaterThanOrEqual(4);
      client.kill('SIGKILL');
      await whenGone(pids);
    },
    LONG_MS,
  );
});

describe('what is seen and steered from outside', () => {
  test(
    'managers, blocks and what they have, by the executor and by the command line; hold, release, drain',
    async () => {
      await using run = await htexRun({}, { minBlocks: 1 });
      const { executor, kernel } = run;
      const one = app(() => 1, { name: 'one', kernel });
      await one();
      const [manager] = await executor.managers();
      expect(manager).toMatchObject({ blockId: 'block-0', slots: 2, state: 'ready', outstanding: 0 });
      await vi.waitFor(
        () => expect(executor.blocks()).toMatchObject([{ blockId: 'block-0', state: { kind: 'running' } }]),
        { timeout: 10_000 },
      );
      const shown = (await cli('htex', 'status', kernel.runDir)).stdout;
      expect(shown).toContain('executor htex: 0 tasks outstanding, 1 blocks, 1 managers');
      expect(shown).toContain(`sluice ${manager?.sluice}, node ${process.version}`);

      await cli('htex', 'hold', kernel.runDir, '--block', 'block-0');
      expect((await executor.managers())[0]?.state).toBe('held');
      const waiting = one();
      expect(await Promise.race([waiting, executor.managers()])).not.toBe(1);
      await cli('htex', 'release', kernel.runDir, '--manager', manager?.id ?? '');
      expect(await waiting).toBe(1);

      await cli('htex', 'drain', kernel.runDir, '--block', 'block-0');
      await vi.waitFor(() => expect(executor.blocks()[0]?.state.kind).toBe('ended'), { timeout: 20_000 });
      expect(await one()).toBe(1);
      const wrong = await failureOf<{ stderr: string }>(cli('htex', 'hold', kernel.runDir, '--manager', 'nobody'));
      expect(wrong.stderr).toMatch(/no manager that is connected is meant by that/);
    },
    LONG_MS,
  );
});

describe('what cannot work says so', () => {
  test(
    'blocks that cannot start fail waiting tasks with what they wrote, not by a time-out',
    async () => {
      await using run = await htexRun({ pilotCommand: 'echo "module: command not found" >&2; exit 3' });
      const one = app(() => 1, { name: 'one', kernel: run.kernel });
      const error = await failureOf<SluiceError>(one());
      expect(error.code).toBe('BLOCKS_FAILED');
      expect(error.message).toMatch(/block-0/);
      expect(error.message).toMatch(/module: command not found/);
      expect(error.message).toMatch(/3/);
    },
    LONG_MS,
  );

  test(
    'an address that nobody can reach is named, after a bounded time',
    async () => {
      // TEST-NET-3 (RFC 5737).
      await using run = await htexRun({ addresses: ['203.0.113.7'], ports: 0, connectTimeoutMs: 1_000 });
      const error = await failureOf<SluiceError>(app(() => 1, { name: 'one', kernel: run.kernel })());
      expect(error.code).toBe('BLOCKS_FAILED');
      expect(error.message).toMatch(/tcp:\/\/203\.0\.113\.7:\d+/);
    },
    LONG_MS,
  );

  test('an interchange that does not come up is told at the start, with what it wrote', async () => {
    const interchangeCommand = ['/bin/sh', '-c', 'echo "no such module" >&2; exit 3'];
    const error = await failureOf<SluiceError>(htexRun({ interchangeCommand }));
    expect(error.code).toBe('INTERCHANGE_LOST');
    expect(error.message).toMatch(/did not start: it ended with exit code 3; it wrote:\nno such module/);
  });

  test('a port in use is told at the start, and nothing is left running', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const error = await failureOf<SluiceError>(htexRun({ ports: port }));
    server.close();
    expect(error.code).toBe('ADDRESS_IN_USE');
    expect(error.message).toContain(String(port));
  });

  test(
    'what no node has is refused when it is submitted, naming the key',
    async () => {
      await using run = await htexRun({}, { walltimeMs: 600_000 });
      const { kernel } = run;
      await app(() => 1, { name: 'one', kernel })();
      await run.executor.managers();
      const greedy = app(() => 1, { name: 'greedy', kernel });
      const cores = await failureOf<SluiceError>(greedy.with({ resources: { cores: 10_000 } })());
      expect(cores.code).toBe('RESOURCES_NOT_HONOURED');
      expect(cores.message).toMatch(/asks for 10000 cores, but the largest node of executor 'htex' has \d+/);
      const accelerators = await failureOf<SluiceError>(greedy.with({ resources: { accelerators: 1 } })());
      expect(accelerators.message).toMatch(/asks for 1 accelerators/);
      const walltime = await failureOf<SluiceError>(greedy.with({ walltimeMs: 599_000 })());
      expect(walltime.message).toMatch(/walltimeMs/);
    },
    LONG_MS,
  );

  test(
    'a result larger than a message may be is refused with its size and the way out',
    async () => {
      await using run = await htexRun({ maxMessageBytes: 1024 * 1024, spillBytes: 2 ** 40 });
      const { kernel } = run;
      const large = app((bytes: number) => new Uint8Array(bytes), { name: 'large', kernel });
      const error = await failureOf<SluiceError>(large(3_000_000));
      expect(error.code).toBe('NOT_SENDABLE');
      expect((await large(500_000)).length).toBe(500_000);
      const size = app((bytes: Uint8Array) => bytes.length, { name: 'size', kernel });
      const argument = await failureOf<SluiceError>(size(new Uint8Array(3_000_000)));
      expect(argument.code).toBe('NOT_SENDABLE');
      expect(await size(await large(400_000))).toBe(400_000);
    },
    LONG_MS,
  );

  test('options that do not fit are all named at once', () => {
    const wrong = { provider: {}, coresPerWorker: 0, cpuAffinity: 'list:x', ports: { from: 9, to: 3 } };
    expect(() => new HighThroughputExecutor(wrong as never)).toThrow(/provider.*coresPerWorker.*|coresPerWorker/s);
    expect(
      () =>
        new HighThroughputExecutor({ provider: new LocalProvider(), heartbeatMs: 5_000, heartbeatThresholdMs: 6_000 }),
    ).toThrow(/at least twice heartbeatMs/);
  });

  test(
    'workers that do not see the disk run functions and pass values, and files of this machine are refused',
    async () => {
      const provider = Object.assign(new LocalProvider(), { sharesFilesystem: false });
      await using run = await htexRun({ provider });
      const { kernel } = run;
      expect(run.executor.capabilities).toMatchObject({ sharesProject: false, sharesFilesystem: false });
      const size = app((bytes: Uint8Array) => bytes.length, { name: 'size', kernel });
      expect(await size(new Uint8Array(1_000_000))).toBe(1_000_000);
      const read = app((text: { path: string }) => text.path, { name: 'read', kernel });
      const error = await failureOf<SluiceError>(read(file('/etc/hosts')));
      expect(error.code).toBe('FILE_NOT_REACHABLE');
      expect(error.message).toMatch(/file:\/\/\/etc\/hosts/);
    },
    LONG_MS,
  );

  test(
    'a dependent of a task that failed on a pilot knows the root cause',
    async () => {
      await using run = await htexRun();
      const { kernel } = run;
      const bad = app(
        (): number => {
          throw new RangeError('out of range');
        },
        { name: 'bad', kernel },
      );
      const next = app((n: number) => n, { name: 'next', kernel });
      const error = await failureOf(next(bad()));
      expect(error).toBeInstanceOf(DependencyError);
      expect((error as Error).message).toMatch(/out of range/);
    },
    LONG_MS,
  );
});
