import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { callOf } from '../../../src/conformance/executor/calls.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import type { ObjectStore } from '../../../src/object-store/object-store.js';
import { hasLocalValues, withoutLocalValues } from '../../../src/run-bucket/local-values.js';
import { openRunBucket } from '../../../src/run-bucket/run-bucket.js';
import {
  localFileOf,
  notReachable,
  receiveTaskFiles,
  refuseArchives,
  sendTaskFiles,
} from '../../../src/run-bucket/task-files.js';
import { outputWithoutPlace, withKept, withTemporaryPlaces } from '../../../src/run-bucket/temporary-places.js';
import { encodeError } from '../../../src/wire/error-codec.js';
import type { Outcome } from '../../../src/wire/outcome.js';
import type { TaskEnvelope } from '../../../src/wire/task-envelope.js';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'sluice-run-bucket-'));
afterAll(() => rmSync(folder, { recursive: true }));
const urlOf = (name: string) => pathToFileURL(join(folder, name)).href;
const usage = { runMs: 0, stagingMs: 0, where: 'there' };
const value: Outcome = { kind: 'value', value: { kind: 'inline', bytes: new Uint8Array(), files: [] }, usage };
const failed: Outcome = { kind: 'error', error: encodeError(new Error('no'), { app: 'a' }), usage };

async function place() {
  const store = createMemoryStore({ bucket: 'b' });
  const asked: unknown[] = [];
  const openStore = (...request: unknown[]): ObjectStore => {
    asked.push(request);
    return store;
  };
  const where = { bucket: 'b', prefix: 'team/sluice', region: 'eu-west-1', runId: 'run-1', label: 'hpc' };
  const bucket = await openRunBucket(openStore, where);
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of store.listAfter('')) found.push(key);
    return found;
  };
  const putAt = (url: string, text: string) => store.put(url.slice(`${store.url}/`.length), Buffer.from(text));
  return { bucket, store, asked, keys, putAt };
}

const taskOf = (fields: Partial<TaskEnvelope>): TaskEnvelope => ({ ...callOf(() => 1, []), ...fields });

describe('a run’s part of a bucket', () => {
  test('is the bucket of that name, in its region, and all of it goes at the end, and nothing else', async () => {
    const { bucket, store, asked, keys } = await place();
    expect(asked).toEqual([['s3://b', { region: 'eu-west-1' }]]);
    expect(bucket.prefix).toBe('team/sluice/run-1/hpc');
    await store.put('team/sluice/run-1/hpc/values/x', new Uint8Array(1));
    await store.put('team/sluice/run-1/hpc2/values/x', new Uint8Array(1));
    await bucket.close();
    await bucket.close();
    expect(await keys()).toEqual(['team/sluice/run-1/hpc2/values/x']);
  });

  test('a bundle becomes a reference, and one code the same object each time', async () => {
    const { bucket, store } = await place();
    const code = callOf(() => 1, []).app;
    const app = { ...code, bundle: { kind: 'inline', hash: 'abc', text: 'export const x = 1;' } as const };
    const [first, second] = await Promise.all([1, 2].map(() => bucket.code.send(taskOf({ app }), signal)));
    expect(first?.app).toBe(second?.app);
    expect(first?.app.bundle).toEqual({
      kind: 'reference',
      hash: 'abc',
      url: `${store.url}/${bucket.prefix}/code/abc.mjs`,
    });
    expect(Buffer.from(await store.get(`${bucket.prefix}/code/abc.mjs`)).toString()).toBe('export const x = 1;');
  });
});

describe('files of a task', () => {
  test.each([
    ['input', { files: ['s3://b/x', 'file:///a'] }],
    ['output', { outputs: ['file:///a'] }],
    ['stdout', { stdout: 'file:///a' }],
    ['stderr', { stderr: 'file:///a' }],
  ])('a local %s is found, and without a bucket it is FILE_NOT_REACHABLE, with the way out', (_, fields) => {
    const task = taskOf(fields);
    expect(localFileOf(task)).toBe('file:///a');
    const error = notReachable(task, 'file:///a', { where: 'they', executor: 'Some' });
    expect(error).toMatchObject({ code: 'FILE_NOT_REACHABLE', class: 'usage' });
    expect(error.message).toMatch(/file:\/\/\/a is on this machine, where they cannot .* give Some a bucket/);
  });

  test.each([
    ['input', { files: ['s3://b/x', 'zip:/a.zip/b'] }],
    ['output', { outputs: ['zip:/a.zip/b'] }],
    ['stdout', { stdout: 'zip:/a.zip/b' }],
    ['stderr', { stderr: 'zip:/a.zip/b' }],
  ])('%s in an archive is FILE_NOT_REACHABLE whatever the bucket', (_, fields) => {
    expect(() => refuseArchives(taskOf(fields), 'they')).toThrow(
      expect.objectContaining({
        code: 'FILE_NOT_REACHABLE',
        message: expect.stringMatching(
          /zip:\/a\.zip\/b is in an archive .* which they cannot reach, .* no bucket carries/,
        ),
      }),
    );
  });

  test('others are left alone', () => {
    refuseArchives(taskOf({ files: ['s3://b/a.zip'], outputs: ['file:///a.zip'] }), 'they');
    expect(localFileOf(taskOf({ files: ['s3://b/x'], outputs: ['s3://b/y'], stdout: 's3://b/z' }))).toBeUndefined();
  });

  test('inputs go up, and of a task that ended well everything comes back', async () => {
    const { bucket, putAt, keys } = await place();
    writeFileSync(join(folder, 'in'), 'given');
    const [output, stdout] = [urlOf('out'), urlOf('said')];
    const relayed = await sendTaskFiles(taskOf({ files: [urlOf('in')], outputs: [output], stdout }), bucket, signal);
    expect(Object.keys(relayed.envelope.relayed ?? {}).toSorted()).toEqual([urlOf('in'), output, stdout].toSorted());
    await putAt(relayed.outputs[output] as string, 'made');
    await putAt(relayed.outputs[stdout] as string, 'hello');
    await receiveTaskFiles(relayed, value, bucket, signal);
    expect([readFileSync(join(folder, 'out'), 'utf8'), readFileSync(join(folder, 'said'), 'utf8')]).toEqual([
      'made',
      'hello',
    ]);
    expect((await keys()).filter((key) => key.includes('/outputs/'))).toEqual([]);
  });

  test('of one that failed its streams come back, as far as they were written', async () => {
    const { bucket, putAt } = await place();
    const [output, stdout, stderr] = [urlOf('out-2'), urlOf('said-2'), urlOf('warned-2')];
    const relayed = await sendTaskFiles(taskOf({ outputs: [output], stdout, stderr }), bucket, signal);
    await putAt(relayed.outputs[output] as string, 'half');
    await putAt(relayed.outputs[stderr] as string, 'oh');
    await receiveTaskFiles(relayed, failed, bucket, signal);
    expect(readFileSync(join(folder, 'warned-2'), 'utf8')).toBe('oh');
    expect(() => readFileSync(join(folder, 'out-2'))).toThrow(/ENOENT/);
  });

  test('an output that cannot be brought fails the task', async () => {
    const { bucket } = await place();
    const relayed = await sendTaskFiles(taskOf({ outputs: [urlOf('never')] }), bucket, signal);
    await expect(receiveTaskFiles(relayed, value, bucket, signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('temp: files', () => {
  test('of an attempt have a place in the bucket, each attempt its own, and the outcome says where', async () => {
    const { bucket } = await place();
    const outputs = ['temp:a/x', 'temp:b/x', 'temp:c/', 's3://b/y'];
    const first = withTemporaryPlaces(taskOf({ outputs }), bucket);
    const second = withTemporaryPlaces(taskOf({ outputs, attempt: 2 }), bucket);
    const { kept = {} } = withKept(value, first) as Outcome & { kind: 'value' };
    const again = (withKept(value, second) as Outcome & { kind: 'value' }).kept ?? {};
    expect(Object.keys(kept)).toEqual(['temp:a/x', 'temp:b/x', 'temp:c/']);
    const places = [...Object.values(kept), ...Object.values(again)];
    expect(new Set(places).size).toBe(6);
    expect(places.every((url) => /^mem:\/\/b\/team\/sluice\/run-1\/hpc\/temp\//.test(url))).toBe(true);
    expect(kept['temp:c/']).toMatch(/\/c\/$/);
    expect(withKept(failed, first)).toBe(failed);
    expect(withKept(value, taskOf({ outputs: ['s3://b/y'] }))).toBe(value);
  });

  test('that have a place keep it, and what an executor says of them counts more', async () => {
    const { bucket } = await place();
    const relayed = { 'temp:a': 'file:///home/a' };
    const task = withTemporaryPlaces(taskOf({ outputs: ['temp:a'], relayed }), bucket);
    expect(task.relayed).toEqual(relayed);
    expect(withKept({ ...value, kept: { 'temp:a': 'peer://n/a' } } as Outcome, task)).toMatchObject({
      kept: { 'temp:a': 'peer://n/a' },
    });
  });

  test('on this machine go up as inputs; those that are gone are INPUT_LOST, all of them', async () => {
    const { bucket } = await place();
    writeFileSync(join(folder, 'kept'), 'given');
    const relayed = { 'temp:kept': urlOf('kept'), 'temp:far': 's3://b/far' };
    const files = ['temp:kept', 'temp:far'];
    const sent = await sendTaskFiles(taskOf({ files, relayed }), bucket, signal);
    expect(localFileOf(taskOf({ files, relayed }))).toBe('temp:kept');
    expect(sent.envelope.relayed?.['temp:kept']).toMatch(/^mem:/);
    expect(sent.envelope.relayed?.['temp:far']).toBe('s3://b/far');
    const gone = { 'temp:1': urlOf('gone-1'), 'temp:2': `${urlOf('gone-2')}/` };
    const lost = sendTaskFiles(taskOf({ files: ['temp:1', 'temp:2'], relayed: gone }), bucket, signal);
    await expect(lost).rejects.toMatchObject({ code: 'INPUT_LOST', urls: ['temp:1', 'temp:2'] });
  });

  test('without a place are FILE_NOT_REACHABLE, with the way out', () => {
    const task = taskOf({ outputs: ['temp:a'] });
    expect([localFileOf(task), outputWithoutPlace(task)]).toEqual([undefined, 'temp:a']);
    expect(outputWithoutPlace({ ...task, relayed: { 'temp:a': 'file:///a' } })).toBeUndefined();
    const error = notReachable(task, 'temp:a', { where: 'they', executor: 'Some' });
    expect(error).toMatchObject({ code: 'FILE_NOT_REACHABLE' });
    expect(error.message).toMatch(/no place for temp:a that they can reach: give Some a bucket/);
  });
});

describe('values that another executor left on this machine’s disk', () => {
  const reference = (name: string) => ({ kind: 'reference', url: urlOf(name), size: 3, files: ['s3://b/f'] }) as const;

  test('go up once, and are references to the bucket', async () => {
    const { bucket, store, keys } = await place();
    writeFileSync(join(folder, 'value'), 'abc');
    const task = taskOf({ slots: [reference('value'), { kind: 'inline', bytes: new Uint8Array(1), files: [] }] });
    expect(hasLocalValues(task)).toBe(true);
    const [first, second] = await Promise.all([1, 2].map(() => withoutLocalValues(task, bucket, signal)));
    expect(first).toEqual(second);
    const { slots } = first as TaskEnvelope;
    expect(slots[0]).toMatchObject({ kind: 'reference', url: expect.stringContaining(store.url), files: ['s3://b/f'] });
    expect(slots[1]).toBe(task.slots[1]);
    expect(await keys()).toHaveLength(1);
    expect(hasLocalValues(first as TaskEnvelope)).toBe(false);
  });

  test('are in the envelope where there is no bucket', async () => {
    writeFileSync(join(folder, 'value'), 'abc');
    const { slots } = await withoutLocalValues(taskOf({ slots: [reference('value')] }), undefined, signal);
    expect(slots).toEqual([{ kind: 'inline', bytes: Buffer.from('abc'), files: ['s3://b/f'] }]);
    const gone = withoutLocalValues(taskOf({ slots: [reference('gone')] }), undefined, signal);
    await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
