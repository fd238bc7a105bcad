import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { app, type DataFlowKernel, type Io, join, load, type SluiceError, ThreadPoolExecutor } from 'sluice';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { failureOf, thrownBy } from '../../fixtures/kernel/failure-of.js';
import { ScriptedExecutor } from '../../fixtures/kernel/scripted-executor.js';

let runDir: string;
beforeEach(async () => {
  runDir = await mkdtemp(joinPath(tmpdir(), 'sluice-load-'));
});
afterEach(() => rm(runDir, { recursive: true, force: true }));

const one = app(() => 1, { name: 'one' });

// First in this file: a process that has had a kernel answers KERNEL_CLOSED ever after.
test('an app called where no kernel was ever loaded says how to load one', () => {
  const error = thrownBy<SluiceError>(one);
  expect(error).toMatchObject({ code: 'NO_KERNEL', class: 'usage' });
  expect(error.message).toBe(
    "app 'one' was called and no kernel is loaded: write `await using flow = await load({ … })` first, or app(fn, { kernel })",
  );
});

test('with no options at all there are threads, and runs go below sluice-runs', async () => {
  const cwd = process.cwd();
  process.chdir(runDir);
  try {
    await using flow = await load();
    expect(await one()).toBe(1);
    expect(Object.keys(flow.stats().byExecutor)).toEqual(['threads']);
    expect(flow.runDir).toBe(joinPath(process.cwd(), 'sluice-runs', flow.runId));
  } finally {
    process.chdir(cwd);
  }
});

test('a second default kernel is refused, and the first one works on', async () => {
  await using _flow = await load({ executors: [new ScriptedExecutor()], runDir });
  const executor = new ScriptedExecutor();
  await expect(load({ executors: [executor], runDir })).rejects.toMatchObject({ code: 'KERNEL_LOADED' });
  expect(executor.starts).toBe(executor.closes);
  expect(await one()).toBe(1);
});

test('of two default kernels loaded at the same time one is refused, and its executors are ended', async () => {
  const executors = [new ScriptedExecutor(), new ScriptedExecutor()];
  const loads = await Promise.allSettled(executors.map((executor) => load({ executors: [executor], runDir })));
  try {
    expect(loads.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = loads.findIndex(({ status }) => status === 'rejected');
    expect((loads[refused] as PromiseRejectedResult).reason).toMatchObject({ code: 'KERNEL_LOADED' });
    expect(executors[refused]?.closes).toBe(executors[refused]?.starts);
    expect(await one()).toBe(1);
  } finally {
    for (const outcome of loads) if (outcome.status === 'fulfilled') await outcome.value.close();
  }
});

test('after a close another kernel can be loaded, with new executors', async () => {
  for (let round = 0; round < 2; round++) {
    await using _flow = await load({ executors: [new ScriptedExecutor()], runDir });
    expect(await one()).toBe(1);
  }
  expect(await readdir(runDir)).toHaveLength(2);
});

test('explicit kernels work side by side, each with its own apps', async () => {
  await using first = await load({ executors: [new ScriptedExecutor({ label: 'a' })], asDefault: false, runDir });
  await using second = await load({ executors: [new ScriptedExecutor({ label: 'b' })], asDefault: false, runDir });
  const onFirst = app((n: number) => n, { name: 'on-first', kernel: first });
  const onSecond = join((n: number, _io: Io) => onFirst(n), { name: 'on-second', kernel: second });
  expect(await onSecond(4)).toBe(4);
  expect(first.stats().byApp).toMatchObject({ 'on-first': { done: 1 } });
  expect(second.stats().byApp).toEqual({ 'on-second': { total: 1, done: 1, failed: 0 } });
  expect(first.runId).not.toBe(second.runId);
});

test('the body of a join calls apps on the kernel of the join', async () => {
  await using explicit = await load({ executors: [new ScriptedExecutor()], asDefault: false, runDir });
  await using _default = await load({ executors: [new ScriptedExecutor()], runDir });
  const calls = join(() => [one(), one()], { name: 'calls', kernel: explicit });
  expect(await calls()).toEqual([1, 1]);
  expect(explicit.stats().byApp.one).toEqual({ total: 2, done: 2, failed: 0 });
});

test('an executor whose start fails ends the others, and load rejects with what it said', async () => {
  const [before, after] = [new ScriptedExecutor({ label: 'before' }), new ScriptedExecutor({ label: 'after' })];
  const failing = new ScriptedExecutor({
    label: 'failing',
    onStart: () => {
      throw new RangeError('nothing deployed');
    },
  });
  await expect(load({ executors: [before, failing, after], runDir })).rejects.toThrow(
    new RangeError('nothing deployed'),
  );
  expect([before, after].map(({ starts, closes }) => [starts, closes])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  await using _flow = await load({ executors: [new ScriptedExecutor()], runDir });
  expect(await one()).toBe(1);
});

test('an executor whose start throws at once is treated alike', async () => {
  const other = new ScriptedExecutor({ label: 'other' });
  const throwing = Object.assign(new ScriptedExecutor(), {
    start: () => {
      throw new RangeError('at once');
    },
  });
  await expect(load({ executors: [other, throwing], runDir })).rejects.toThrow('at once');
  expect(other.closes).toBe(1);
});

test('a thread pool serves one kernel, once', async () => {
  const pool = new ThreadPoolExecutor({ label: 'pool', maxThreads: 1 });
  const first = await load({ executors: [pool], runDir });
  await first.close();
  const error = await failureOf<SluiceError>(load({ executors: [pool], runDir }));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
  expect(error.message).toContain("executor 'pool' has been started before");
});

test('a run folder that cannot be made fails the load, before anything starts', async () => {
  const executor = new ScriptedExecutor();
  await writeFile(joinPath(runDir, 'file'), '');
  await expect(load({ executors: [executor], runDir: joinPath(runDir, 'file', 'runs') })).rejects.toThrow('ENOTDIR');
  expect(executor.starts).toBe(0);
});

test('a run whose folder is removed under it goes on and closes, and so does the next', async () => {
  for (let round = 0; round < 2; round++) {
    await using flow = await load({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })], runDir });
    expect(await one()).toBe(1);
    await rm(flow.runDir, { recursive: true });
    expect(await one()).toBe(1);
  }
});

test('a config used twice, one after the other or at once, is refused, and the first kernel works on', async () => {
  const executor = new ScriptedExecutor({ label: 'mine' });
  const config = { executors: [executor], asDefault: false, runDir };
  const [first, again] = await Promise.allSettled([load(config), load(config)]);
  expect(again).toMatchObject({ status: 'rejected', reason: { code: 'INVALID_OPTIONS', class: 'usage' } });
  await using flow = (first as PromiseFulfilledResult<DataFlowKernel>).value;
  const third = await failureOf<SluiceError>(load({ ...config, executors: [new ScriptedExecutor(), executor] }));
  expect(third.message).toContain("executor 'mine' has been started before: an executor serves one kernel, once");
  expect([executor.starts, executor.closes]).toEqual([1, 0]);
  expect(await app(() => 2, { kernel: flow })()).toBe(2);
  expect(await readdir(runDir)).toEqual([flow.runId]);
  await flow.close();
  await expect(load(config)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  expect([executor.starts, executor.closes]).toEqual([1, 1]);
});

test('a config without executors of its own can be used again, also at once', async () => {
  const config = { asDefault: false, runDir };
  const kernels = await Promise.all([load(config), load(config)]);
  for (const kernel of kernels) expect(await app(() => 2, { kernel })()).toBe(2);
  await Promise.all(kernels.map((kernel) => kernel.close()));
});

test('executors whose load failed before they were started can be loaded', async () => {
  const executor = new ScriptedExecutor();
  await writeFile(joinPath(runDir, 'file'), '');
  await failureOf(load({ executors: [executor], asDefault: false, runDir: joinPath(runDir, 'file', 'runs') }));
  await using flow = await load({ executors: [executor], asDefault: false, runDir });
  expect(await app(() => 2, { kernel: flow })()).toBe(2);
});
