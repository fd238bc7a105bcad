import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { callOf } from '../../../../src/conformance/executor/calls.js';
import { SluiceError } from '../../../../src/errors.js';
import { createBucketSpill } from '../../../../src/executors/htex/bucket-spill.js';
import { Carriage, type CarriageParts } from '../../../../src/executors/htex/carriage.js';
import { createFolderSpill } from '../../../../src/executors/htex/value-spill.js';
import { createMemoryStore } from '../../../../src/object-store/memory/memory-store.js';
import type { ObjectStore } from '../../../../src/object-store/object-store.js';
import { openRunBucket } from '../../../../src/run-bucket/run-bucket.js';
import type { EncodedValue } from '../../../../src/wire/encoded-value.js';
import type { TaskEnvelope } from '../../../../src/wire/task-envelope.js';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'sluice-carriage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const inline = (size: number): EncodedValue => ({ kind: 'inline', bytes: randomBytes(size), files: ['s3://b/f'] });
const taskOf = (fields: Partial<TaskEnvelope> = {}): TaskEnvelope => ({ ...callOf(() => 1, []), ...fields });
const large = (): TaskEnvelope => taskOf({ call: randomBytes(1_001) });

async function withBucket(overrides: Partial<ObjectStore> = {}, memory = createMemoryStore({ bucket: 'b' })) {
  const store = { ...memory, ...overrides };
  const bucket = await openRunBucket(() => store, { bucket: 'b', prefix: 'p', runId: 'r', label: 'l' });
  const spill = createBucketSpill(bucket);
  const carriage = new Carriage({
    label: 'l',
    sharesFilesystem: false,
    keepsTemporary: false,
    bucket,
    spill,
    spillBytes: 1_000,
  });
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of memory.listAfter('')) found.push(key);
    return found;
  };
  const read = (url: string) => memory.get(url.slice('mem://b/'.length));
  return { carriage, memory, keys, read };
}

const shared: CarriageParts = {
  label: 'l',
  sharesFilesystem: true,
  keepsTemporary: false,
  bucket: undefined,
  spill: createFolderSpill(join(folder, 'values')),
  spillBytes: 1_000,
};

describe('what a carriage is needed for', () => {
  const local = taskOf({ files: ['file:///a'] });
  const archived = taskOf({ outputs: ['zip:/a.zip/b'] });
  const onDisk = taskOf({ slots: [{ kind: 'reference', url: 'file:///v', size: 5, files: [] }] });
  const bundled = taskOf({
    app: { ...taskOf().app, bundle: { kind: 'inline', hash: 'h', text: 'x'.repeat(100_000) } },
  });

  test('where the disk is shared: values that are large', () => {
    const carriage = new Carriage(shared);
    const needed = [taskOf(), large(), taskOf({ slots: [inline(1_001)] }), local, onDisk, bundled];
    expect(needed.map((task) => carriage.isNeeded(task))).toEqual([false, true, true, false, false, false]);
    for (const task of [local, archived]) expect(() => carriage.check(task)).not.toThrow();
  });

  test('with a bucket: those, local files and values, and large code', async () => {
    const { carriage } = await withBucket();
    const needed = [taskOf(), large(), taskOf({ slots: [inline(1_001)] }), local, onDisk, bundled];
    expect(needed.map((task) => carriage.isNeeded(task))).toEqual([false, true, true, true, true, true]);
    expect(() => carriage.check(local)).not.toThrow();
    expect(() => carriage.check(archived)).toThrow(expect.objectContaining({ code: 'FILE_NOT_REACHABLE' }));
  });

  test('with neither: values on the disk; local files are refused', () => {
    const carriage = new Carriage({ ...shared, sharesFilesystem: false, spill: undefined });
    const needed = [taskOf(), large(), taskOf({ slots: [inline(1_001)] }), onDisk, bundled];
    expect(needed.map((task) => carriage.isNeeded(task))).toEqual([false, false, false, true, false]);
    expect(() => carriage.check(local)).toThrow(expect.objectContaining({ code: 'FILE_NOT_REACHABLE' }));
    expect(carriage.url).toBeUndefined();
  });
});

describe('large values', () => {
  test('lie in the folder of the run where the disk is shared, until their task is over, and all until the close', async () => {
    const carriage = new Carriage(shared);
    const task = taskOf({ call: randomBytes(1_001), slots: [inline(2_000), inline(10)] });
    const cargo = await carriage.send(task, 7, signal);
    expect(readFileSync(fileURLToPath(cargo.callAt ?? '')).equals(task.call)).toBe(true);
    const [first, second] = cargo.envelope.slots;
    expect(first).toMatchObject({ kind: 'reference', size: 2_000, files: ['s3://b/f'] });
    expect(second).toBe(task.slots[1]);
    carriage.forget(cargo);
    await vi.waitFor(() => expect(existsSync(fileURLToPath(cargo.callAt ?? ''))).toBe(false));
    expect(readdirSync(join(folder, 'values', 'values', 'client'))).toHaveLength(1);
    await carriage.close();
    expect(existsSync(join(folder, 'values'))).toBe(false);
  });

  test('that several tasks need go to the bucket once, though the first gives up', async () => {
    const { carriage, keys, read } = await withBucket();
    const slots = [inline(2_000)];
    const stop = new AbortController();
    const given = carriage.send(taskOf({ slots }), 1, stop.signal);
    stop.abort(new Error('no longer wanted'));
    const others = await Promise.all([2, 3].map((key) => carriage.send(taskOf({ slots }), key, signal)));
    await expect(given).rejects.toThrow('no longer wanted');
    const urls = others.map(({ envelope }) => (envelope.slots[0] as EncodedValue & { kind: 'reference' }).url);
    expect(new Set(urls).size).toBe(1);
    expect(await keys()).toEqual(['p/r/l/values/client/1']);
    expect(await read(urls[0] ?? '')).toEqual(new Uint8Array((slots[0] as { bytes: Uint8Array }).bytes));
  });

  test('that could not be written are tried anew by the next task', async () => {
    let failures = 1;
    const memory = createMemoryStore({ bucket: 'b' });
    const putParts: ObjectStore['putParts'] = async (...request) => {
      if (failures-- > 0) throw new SluiceError('SERVICE_FAILED', 'not now');
      return memory.putParts(...request);
    };
    const { carriage } = await withBucket({ putParts }, memory);
    const task = taskOf({ slots: [inline(2_000)] });
    await expect(carriage.send(task, 1, signal)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    expect((await carriage.send(task, 2, signal)).envelope.slots[0]).toMatchObject({ kind: 'reference' });
  });

  test('of calls go from the bucket when their tasks are over, many in one request', async () => {
    const requests: number[] = [];
    const memory = createMemoryStore({ bucket: 'b' });
    const deleteMany: ObjectStore['deleteMany'] = async (keys, ...rest) => {
      requests.push(keys.length);
      await new Promise((resolve) => setImmediate(resolve));
      return memory.deleteMany(keys, ...rest);
    };
    const { carriage } = await withBucket({ deleteMany }, memory);
    const cargos = await Promise.all([1, 2, 3, 4, 5].map((key) => carriage.send(large(), key, signal)));
    for (const cargo of cargos) carriage.forget(cargo);
    await vi.waitFor(() => expect(requests.reduce((sum, count) => sum + count, 0)).toBe(5));
    expect(requests).toEqual([1, 4]);
  });

  test('that are under way at the close are stopped, and nothing is left', async () => {
    const memory = createMemoryStore({ bucket: 'b' });
    let underWay = 0;
    const putParts: ObjectStore['putParts'] = async (key, size, read, options) => {
      underWay += 1;
      await new Promise<void>((resolve) => options?.signal?.addEventListener('abort', () => resolve()));
      // As a request that was on its way already, and arrives.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return memory.putParts(key, size, read);
    };
    const { carriage, keys } = await withBucket({ putParts }, memory);
    const sent = [carriage.send(large(), 1, signal), carriage.send(taskOf({ slots: [inline(2_000)] }), 2, signal)];
    await vi.waitFor(() => expect(underWay).toBe(2));
    await carriage.close();
    await Promise.allSettled(sent);
    expect(await keys()).toEqual([]);
    await expect(carriage.send(large(), 3, signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

test('values on the disk of the client are in the envelope where there is no bucket', async () => {
  const path = join(folder, 'value');
  writeFileSync(path, 'abc');
  const carriage = new Carriage({ ...shared, sharesFilesystem: false, spill: undefined });
  const slots: EncodedValue[] = [{ kind: 'reference', url: pathToFileURL(path).href, size: 3, files: [] }];
  const { envelope, callAt } = await carriage.send(taskOf({ slots }), 1, signal);
  expect(envelope.slots).toEqual([{ kind: 'inline', bytes: Buffer.from('abc'), files: [] }]);
  expect(callAt).toBeUndefined();
});
