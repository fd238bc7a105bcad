import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Io, SluiceError } from 'sluice';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { callOf } from '../../src/conformance/executor/calls.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { whenGone } from '../fixtures/kernel/is-running.js';
import { type PlayedInterchange, playInterchange, resultOf } from '../fixtures/pilot/played-interchange.js';
import { leaveStray, runningIn } from '../fixtures/processes/strays.js';

let interchange: PlayedInterchange;
async function started(changes: Parameters<typeof playInterchange>[0] = {}): Promise<void> {
  interchange = await playInterchange(changes);
  interchange.start();
  await interchange.registered();
}
afterEach(() => interchange[Symbol.asyncDispose]());

const one = () => 1;
const failing = (envelope: Parameters<PlayedInterchange['submit']>[0], options = {}) =>
  failureOf<SluiceError>(interchange.valueOf(envelope, options));

describe('a task that ends its worker fails by name, with its cause, and the next one runs', () => {
  beforeEach(() => started());
  afterEach(async () => expect(await interchange.valueOf(callOf(one, []))).toBe(1));

  test('process.exit', async () => {
    const leaving = callOf(() => {
      process.stderr.write('about to leave\n');
      process.exit(7);
    }, []);
    const error = await failing(leaving);
    expect(error).toMatchObject({ code: 'TASK_EXITED', class: 'app' });
    expect(error.message).toContain(`task ${leaving.taskId} '${leaving.app.name}' on ${hostname()}`);
    expect(error.message).toContain('exit code 7');
    expect(error.message).toContain('about to leave');
  });

  test('an uncaught error', async () => {
    const error = await failing(
      callOf(
        () =>
          new Promise((resolve) => {
            setTimeout(() => {
              throw new TypeError('nobody catches this');
            }, 5);
            setTimeout(resolve, 5_000);
          }),
        [],
      ),
    );
    expect(error).toMatchObject({ code: 'TASK_EXITED' });
    expect(error.message).toContain('left an error uncaught');
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  test('a rejection nobody handles', async () => {
    const rejecting = () => {
      void Promise.reject(new RangeError('left alone'));
      return 1;
    };
    const error = await failing(callOf(rejecting, []));
    expect(error).toMatchObject({ code: 'TASK_EXITED' });
    expect(error.message).toContain('left alone');
  });

  test.each(['SIGABRT', 'SIGSEGV'] as const)('a native crash, by %s', async (signal) => {
    const error = await failing(callOf((name: NodeJS.Signals) => process.kill(process.pid, name), [signal]));
    expect(error).toMatchObject({ code: 'TASK_EXITED', class: 'app' });
    expect(error.message).toContain(signal);
  });

  test('an abort of the runtime', async () => {
    const error = await failing(callOf(() => process.abort(), []));
    expect(error).toMatchObject({ code: 'TASK_EXITED' });
    expect(error.message).toContain('SIGABRT');
  });

  test('SIGKILL from elsewhere is infrastructure’s fault', async () => {
    const error = await failing(callOf(() => process.kill(process.pid, 'SIGKILL'), []));
    expect(error).toMatchObject({ code: 'WORKER_LOST', class: 'infrastructure' });
    expect(error.message).toContain('when memory runs out');
  });
});

test('a JavaScript heap that is full is said to be that', async () => {
  interchange = await playInterchange({ maxWorkersPerNode: 1 });
  interchange.start({ NODE_OPTIONS: '--max-old-space-size=64' });
  await interchange.registered();
  const filling = () => {
    const kept: unknown[] = [];
    for (;;) kept.push(new Array(1_000).fill({}));
  };
  const error = await failing(callOf(filling, []));
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', class: 'app' });
  expect(await interchange.valueOf(callOf(one, []))).toBe(1);
});

test('memory beyond the limit, native memory too, is OUT_OF_MEMORY naming limit and use', async () => {
  await started({ maxWorkersPerNode: 1, memoryMiBPerWorker: 256, enforceMemory: true });
  const error = await failing(
    callOf(async () => {
      const kept = [];
      for (;;) {
        kept.push(Buffer.alloc(32 * 2 ** 20, 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }, []),
  );
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY' });
  expect(error.message).toMatch(/took \d+ MiB.*the limit is 256 MiB/);
  expect(await interchange.valueOf(callOf(one, []))).toBe(1);
});

test('a task’s own memory limit holds for the processes it starts as well', async () => {
  await started({ maxWorkersPerNode: 1, enforceMemory: true });
  const child = 'const kept = []; setInterval(() => kept.push(Buffer.alloc(32 * 2 ** 20, 1)), 20)';
  const hungry = callOf((node: string, code: string, io: Io) => io.sh`${node} -e ${code}`, [process.execPath, child], {
    kind: 'bash',
  });
  const error = await failing(hungry, { needs: { memoryMiB: 400 } });
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY' });
  expect(error.message).toContain('the limit is 400 MiB');
});

describe('tasks beside one that ends its worker', () => {
  test('all have their values, whether they came before it or after it', async () => {
    await started({ maxWorkersPerNode: 1, prefetch: 200 });
    const step = (value: number) => {
      if (value === 60) process.exit(9);
      return value;
    };
    // Known to be quick, so that they travel together.
    await Promise.all(
      interchange
        .submitAll(Array.from({ length: 60 }, (_, value) => callOf(step, [value])))
        .map(({ outcome }) => outcome),
    );
    const sent = interchange.submitAll(Array.from({ length: 40 }, (_, index) => callOf(step, [index + 40])));
    const settled = await Promise.allSettled(sent.map(async ({ outcome }) => resultOf(await outcome)));
    const failed = settled.filter(({ status }) => status === 'rejected');
    expect(failed).toHaveLength(1);
    expect(settled[20]).toMatchObject({ status: 'rejected', reason: { code: 'TASK_EXITED' } });
  });

  test('go to an idle worker when one of them takes long', async () => {
    await started({ prefetch: 200 });
    const step = (ms: number) => (ms === 0 ? 0 : new Promise((resolve) => setTimeout(resolve, ms, ms)));
    await Promise.all(
      interchange.submitAll(Array.from({ length: 80 }, () => callOf(step, [0]))).map(({ outcome }) => outcome),
    );
    const sent = interchange.submitAll([4_000, 0, 0, 0, 0, 0, 0, 0].map((ms) => callOf(step, [ms])));
    const startedMs = performance.now();
    await Promise.all(sent.slice(1).map(({ outcome }) => outcome));
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(resultOf(await (sent[0]?.outcome as Promise<never>))).toBe(4_000);
  });
});

describe('a walltime', () => {
  beforeEach(() => started({ maxWorkersPerNode: 1 }));
  test('ends a function that never yields', async () => {
    const endless = () => {
      for (;;);
    };
    const error = await failing(callOf(endless, [], { walltimeMs: 300 }), { needs: { walltimeMs: 300 } });
    expect(error).toMatchObject({ code: 'WALLTIME', class: 'app' });
    expect(error.message).toContain('300 ms');
    expect(await interchange.valueOf(callOf(one, []))).toBe(1);
  });

  test('ends one that awaits, whose worker is given no other task', async () => {
    const waiting = () => new Promise((resolve) => setTimeout(resolve, 60_000));
    expect(await failing(callOf(waiting, [], { walltimeMs: 100 }), { needs: { walltimeMs: 100 } })).toMatchObject({
      code: 'WALLTIME',
    });
    const before = await interchange.valueOf(callOf(() => process.pid, []));
    expect(before).toBe(await interchange.valueOf(callOf(() => process.pid, [])));
  });

  test('ends a command', async () => {
    const error = await failing(
      callOf((_: Io) => 'sleep 60', [], { kind: 'bash', walltimeMs: 200 }),
      {
        needs: { walltimeMs: 200 },
      },
    );
    expect(error).toMatchObject({ code: 'WALLTIME' });
  });
});

describe('a cancelled task', () => {
  beforeEach(() => started({ maxWorkersPerNode: 1 }));

  test('that waits never runs, and owes no result', async () => {
    const file = `${interchange.folder}/ran`;
    const busy = interchange.submit(callOf(() => new Promise((resolve) => setTimeout(resolve, 500)), []));
    const touch = async (path: string) => (await import('node:fs')).writeFileSync(path, '');
    const { key } = interchange.submit(callOf(touch, [file]));
    interchange.tell({ kind: 'cancel', keys: [key] });
    await busy.outcome;
    expect(await interchange.valueOf(callOf(one, []))).toBe(1);
    expect(existsSync(file)).toBe(false);
    expect(interchange.results.map((result) => result.key)).not.toContain(key);
  });

  test('that loops loses its worker', async () => {
    const file = `${interchange.folder}/pid`;
    const loop = async (path: string) => {
      (await import('node:fs')).writeFileSync(path, String(process.pid));
      for (;;);
    };
    const { key } = interchange.submit(callOf(loop, [file]));
    await vi.waitFor(() => expect(existsSync(file)).toBe(true), { timeout: 10_000 });
    interchange.tell({ kind: 'cancel', keys: [key] });
    expect(await interchange.valueOf(callOf(one, []))).toBe(1);
    await whenGone([Number(await readFile(file, 'utf8'))]);
    expect(interchange.results.map((result) => result.key)).not.toContain(key);
  });

  test('that is a command ends with all it started', async () => {
    const file = `${interchange.folder}/pids`;
    const { key } = interchange.submit(callOf(leaveStray, [file, 'sleep 600'], { kind: 'bash' }));
    const { stray, shell } = await runningIn(file);
    interchange.tell({ kind: 'cancel', keys: [key] });
    expect(await interchange.valueOf(callOf(one, []))).toBe(1);
    await whenGone([stray, shell]);
    expect(interchange.results.map((result) => result.key)).not.toContain(key);
  });
});

test('errors that a task leaves for later do not hit the next', async () => {
  await started({ maxWorkersPerNode: 1 });
  const late = async () => {
    const { readFile } = await import('node:fs/promises');
    void readFile('/nowhere').then(undefined, async (error) => {
      await readFile('/proc/self/status');
      throw error;
    });
    return 'done';
  };
  expect(await interchange.valueOf(callOf(late, []))).toBe('done');
  const next = () => new Promise((resolve) => setTimeout(resolve, 100, 'next'));
  expect(await interchange.valueOf(callOf(next, []))).toBe('next');
});
