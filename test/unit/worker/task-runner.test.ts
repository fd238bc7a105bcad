import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io, Outcome, SluiceError } from 'sluice';
import { createWorker, type TaskRunner } from 'sluice/worker';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callOf } from '../../../src/conformance/executor/calls.js';
import { DataFile } from '../../../src/data/data-file.js';
import { decode } from '../../../src/wire/codec.js';
import { decodeError } from '../../../src/wire/error-codec.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';

let folder: string;
let scratchRoot: string;
let worker: TaskRunner;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-worker-'));
  scratchRoot = join(folder, 'scratch');
  worker = createWorker({ scratchRoot, sharesProject: true });
});
afterEach(async () => {
  await worker.close();
  await rm(folder, { recursive: true, force: true });
});

function resultOf(outcome: Outcome): unknown {
  if (outcome.kind === 'error') throw decodeError(outcome.error);
  return outcome.value.kind === 'inline' ? decode(outcome.value.bytes) : outcome.value.url;
}

function errorOf(outcome: Outcome): SluiceError {
  if (outcome.kind === 'value') throw new Error('the task was meant to fail');
  return decodeError(outcome.error) as SluiceError;
}

test('an envelope of another version is refused, saying both', async () => {
  const envelope = { ...callOf(() => 1, []), version: 99 as 1 };
  const error = await failureOf<SluiceError>(worker.run(envelope));
  expect(error).toMatchObject({ code: 'PROTOCOL', class: 'infrastructure' });
  expect(error.message).toContain('envelopes of version 1, not 99');
});

test('code that cannot be compiled, and a call that cannot be read, are outcomes', async () => {
  const call = callOf(() => 1, []);
  const broken = { ...call, app: { ...call.app, source: '() => {{', hash: 'other' } };
  expect(errorOf(await worker.run(broken))).toMatchObject({ code: 'CODE_NOT_SHIPPABLE' });
  expect(errorOf(await worker.run({ ...call, call: new Uint8Array([1, 2, 3]) }))).toMatchObject({ code: 'PROTOCOL' });
});

test('a task that needs no folder makes none; one that does leaves none', async () => {
  await worker.run(callOf(() => 1, []));
  expect(await readdir(folder)).toEqual([]);
  await worker.run(callOf((io: Io) => io.sh`touch left ${io.scratch}/also`, [], { kind: 'bash' }));
  await worker.run(callOf((_: Io) => 'touch left; exit 1', [], { kind: 'bash' }));
  expect(await readdir(scratchRoot)).toEqual([]);
});

test('files in arguments and in slots are where they can be read', async () => {
  await writeFile(join(folder, 'a b'), 'text');
  const read = async (files: { path: string }[], more: { path: string }) => {
    const { readFile } = await import('node:fs/promises');
    return Promise.all([...files, more].map(({ path }) => readFile(path, 'utf8')));
  };
  const file = new DataFile(join(folder, 'a b'));
  const { SlotMarker } = await import('../../../src/conformance/executor/calls.js');
  const call = callOf(read, [[file], new SlotMarker(0)], { slots: [file] });
  expect(resultOf(await worker.run(call))).toEqual(['text', 'text']);
});

test('usage tells staging from running', async () => {
  const { usage } = await worker.run(callOf((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), [30]));
  expect(usage.runMs).toBeGreaterThan(25);
  expect(usage.stagingMs).toBeLessThan(usage.runMs);
  expect(usage.peakMemoryMiB).toBeGreaterThan(1);
});

describe('the signal of an attempt', () => {
  test('it ends a command, with its reason', async () => {
    const stop = new AbortController();
    const running = worker.run(
      callOf((_: Io) => 'sleep 600', [], { kind: 'bash' }),
      { signal: stop.signal },
    );
    setImmediate(() => stop.abort(new RangeError('stopped')));
    expect(errorOf(await running)).toMatchObject({ message: 'stopped' });
  });

  test('it ends a command that is too long for an argument, also while that is being written', async () => {
    const stop = new AbortController();
    const long = callOf((_: Io) => `sleep 600 #${'x'.repeat(200_000)}`, [], { kind: 'bash' });
    const running = worker.run(long, { signal: stop.signal });
    const { existsSync } = await import('node:fs');
    while (!existsSync(scratchRoot)) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new RangeError('stopped'));
    expect(errorOf(await running)).toMatchObject({ message: 'stopped' });
  });

  test('aborted beforehand, no command is started', async () => {
    const marker = join(folder, 'marker');
    const call = callOf((path: string, io: Io) => io.sh`touch ${path}`, [marker], { kind: 'bash' });
    const outcome = await worker.run(call, { signal: AbortSignal.abort(new RangeError('too late')) });
    expect(errorOf(outcome)).toMatchObject({ message: 'too late' });
    expect(await readdir(folder)).not.toContain('marker');
  });
});

describe('a walltime', () => {
  test('gives a function up that awaits', async () => {
    const call = callOf(() => new Promise(() => {}), [], { walltimeMs: 30 });
    expect(errorOf(await worker.run(call))).toMatchObject({ code: 'WALLTIME', class: 'app' });
  });

  test('ends a command, and waits until it has ended', async () => {
    const call = callOf((io: Io) => io.sh`trap 'touch ${io.outputs[0]}; exit 0' TERM; sleep 600 & wait`, [], {
      kind: 'bash',
      walltimeMs: 100,
      outputs: [join(folder, 'out')],
    });
    expect(errorOf(await worker.run(call))).toMatchObject({ code: 'WALLTIME' });
    expect(await readdir(scratchRoot)).toEqual([]);
  });

  test('does not touch a task that ends in time', async () => {
    expect(resultOf(await worker.run(callOf(() => 1, [], { walltimeMs: 60_000 })))).toBe(1);
  });
});
