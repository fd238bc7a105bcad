import { setImmediate } from 'node:timers/promises';
import { type AppFuture, type Executor, SluiceError } from 'sluice';
import { beforeEach, expect, test } from 'vitest';
import type { TemporaryHomes } from '../../../../src/data/temporary-homes.js';
import { DataFlowKernel } from '../../../../src/kernel/dataflow-kernel.js';
import type { KernelParts } from '../../../../src/kernel/kernel-parts.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';
import { kernelParts } from '../../../fixtures/kernel/kernel-parts.js';
import { World } from '../../../property/temporary-graphs/world.js';

const CODE = { name: 'node', kind: 'function', source: '', hash: '', io: false, arity: 9, definedIn: '' } as const;

let world: World;
const warnings: string[] = [];
beforeEach(() => {
  world = new World();
  warnings.length = 0;
});

function kernelWith(homes: Partial<TemporaryHomes> = {}, parts: Partial<KernelParts> = {}): DataFlowKernel {
  return new DataFlowKernel(
    kernelParts({
      executors: [world.executor('shared', false), world.executor('node', true)],
      temporary: { ...world.homes, ...homes },
      infrastructureRetries: 3,
      warn: (message) => void warnings.push(message),
      ...parts,
    }),
  );
}

function call(kernel: DataFlowKernel, name: string, executor: string, inputs: readonly unknown[] = []) {
  const outputs = name.startsWith('read') ? [] : [`temp:${name}`];
  const request = { appName: name, executors: [executor], work: { kind: 'remote', code: CODE } as const, outputs };
  return kernel.submit(request, [name, ...inputs]);
}

async function finishAll(kernel: DataFlowKernel): Promise<void> {
  let isIdle = false;
  void kernel.waitForAll().then(() => {
    isIdle = true;
  });
  for (await setImmediate(); !isIdle; await setImmediate()) world.pending[0]?.finish();
}

/** Awaiting the future itself would give its value. */
async function made(kernel: DataFlowKernel, executor: string): Promise<{ readonly a: AppFuture<unknown> }> {
  const a = call(kernel, 'a', executor);
  await finishAll(kernel);
  return { a };
}

test('who keeps its files reads them where they are; for others they are copied once, and both go in the end', async () => {
  const copies: string[] = [];
  const kernel = kernelWith({
    copy: (from, to) => {
      copies.push(from);
      return world.homes.copy(from, to);
    },
  });
  const { a } = await made(kernel, 'node');
  expect([...world.files.keys()]).toEqual(['peer://node/0-1/a']);
  const near = call(kernel, 'read near', 'node', [a.outputs[0]]);
  await finishAll(kernel);
  expect(copies).toEqual([]);
  const far = ['read 1', 'read 2'].map((name) => call(kernel, name, 'shared', [a.outputs[0]]));
  await finishAll(kernel);
  expect(await Promise.all([near, ...far])).toEqual(['read near(a())', 'read 1(a())', 'read 2(a())']);
  expect(copies).toEqual(['peer://node/0-1/a']);
  expect([...world.files.keys()].sort()).toEqual(['file:///0-0/a', 'peer://node/0-1/a']);
  a.outputs[0]?.release();
  await setImmediate();
  expect([...world.files.keys()]).toEqual([]);
});

test('what is gone when it is to be copied is made again', async () => {
  const kernel = kernelWith();
  const { a } = await made(kernel, 'node');
  world.files.clear();
  const read = call(kernel, 'read', 'shared', [a.outputs[0]]);
  await finishAll(kernel);
  expect(await read).toBe('read(a())');
  expect(world.attempts.get('a')).toBe(2);
});

test('what cannot be copied fails the task that needs it elsewhere, and says why', async () => {
  const kernel = kernelWith({ copy: () => Promise.reject(new SluiceError('NO_STAGING', 'no staging knows peer:')) });
  const { a } = await made(kernel, 'node');
  const read = call(kernel, 'read', 'shared', [a.outputs[0]]);
  const error = await failureOf<SluiceError>(read);
  expect(error).toMatchObject({ code: 'FILE_NOT_REACHABLE', class: 'usage' });
  expect(error.message).toMatch(/temp:a is kept by executor 'node' .* no staging knows peer:/);
});

test('an executor that neither shares the disk nor says where files are cannot make any', async () => {
  const silent = world.executor('silent', true);
  const submit: Executor['submit'] = async (envelope, options) => {
    const outcome = await silent.submit(envelope, options);
    return outcome.kind === 'value' ? { kind: 'value', value: outcome.value, usage: outcome.usage } : outcome;
  };
  const kernel = kernelWith({}, { executors: [{ ...silent, submit }] });
  const a = call(kernel, 'a', 'silent');
  await finishAll(kernel);
  expect(await failureOf(a)).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
});

test('what cannot be removed fails no task, and is warned of once', async () => {
  const kernel = kernelWith({ remove: () => Promise.reject(new Error('read-only')) });
  for (const name of ['a', 'b']) {
    const future = call(kernel, name, 'shared');
    await finishAll(kernel);
    future.outputs[0]?.release();
    await setImmediate();
    await setImmediate();
    expect(future.status).toBe('done');
  }
  expect(warnings).toEqual([expect.stringMatching(/temporary files .* were not removed: read-only/)]);
});

test('many are removed at a time', async () => {
  const batches: number[] = [];
  const kernel = kernelWith({
    remove: async (urls) => {
      batches.push(urls.length);
    },
  });
  const futures = Array.from({ length: 2_500 }, (_, index) => call(kernel, `${index}`, 'shared'));
  await finishAll(kernel);
  for (const future of futures) future.outputs[0]?.release();
  await setImmediate();
  expect(batches).toEqual([1_000, 1_000, 500]);
});
