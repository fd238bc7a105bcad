import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecycledCalls } from '../../../../src/executors/htex/recycled-calls.js';
import { createBackends } from '../../../../src/worker/backends.js';

const NEVER = new AbortController().signal;
const TURNS = 32;

let folder: string;
let calls: RecycledCalls;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-calls-'));
  calls = new RecycledCalls(folder);
});

afterEach(async () => {
  await calls.close();
  rmSync(folder, { recursive: true });
});

const filled = (size: number, value: number) => new Uint8Array(size).fill(value);
const read = (url: string) => readFileSync(fileURLToPath(url));

test('a call gets the file of one that is over, and all of it', async () => {
  const first = await calls.put('1', filled(5_000, 1), NEVER);
  const second = await calls.put('2', filled(100, 2), NEVER);
  calls.remove(first);
  const third = await calls.put('3', filled(300, 3), NEVER);
  expect(read(third)).toEqual(Buffer.alloc(300, 3));
  expect(read(second)).toEqual(Buffer.alloc(100, 2));
  calls.remove(third);
  const fourth = await calls.put('4', filled(9_000, 4), NEVER);
  expect(read(fourth)).toEqual(Buffer.alloc(9_000, 4));
  expect(readdirSync(folder).sort()).toEqual(['2', '4']);
});

test('whoever still looks for a call that is over finds nothing, and not another call', async () => {
  const backends = createBackends();
  const first = await calls.put('1', filled(100, 1), NEVER);
  calls.remove(first);
  const second = await calls.put('2', filled(100, 2), NEVER);
  await expect(backends.fetch(first)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await backends.fetch(second)).toEqual(Buffer.alloc(100, 2));
});

test('calls wait for their turn once there are more than workers can use', async () => {
  const urls = await Promise.all(
    Array.from({ length: TURNS }, (_, index) => calls.put(`${index}`, filled(10, 0), NEVER)),
  );
  const written: string[] = [];
  const more = ['a', 'b', 'c'].map((name) => calls.put(name, filled(10, 1), NEVER).then(() => written.push(name)));
  // Those that waited for nothing would be there by then.
  for (let turn = 0; turn < 10; turn++) await stat(folder);
  expect(readdirSync(folder)).toHaveLength(TURNS);
  calls.remove(urls[0] as string);
  await more[0];
  expect(written).toEqual(['a']);
  calls.serve(TURNS);
  await Promise.all(more);
  expect(readdirSync(folder)).toHaveLength(TURNS + 2);
});

test('one that is no longer wanted has no turn, and takes none from others', async () => {
  const urls = await Promise.all(
    Array.from({ length: TURNS }, (_, index) => calls.put(`${index}`, filled(10, 0), NEVER)),
  );
  const stop = new AbortController();
  const unwanted = calls.put('unwanted', filled(10, 1), stop.signal);
  const wanted = calls.put('wanted', filled(10, 2), NEVER);
  stop.abort(new Error('given up'));
  calls.remove(urls[0] as string);
  await expect(unwanted).rejects.toThrow('given up');
  expect(read(await wanted)).toEqual(Buffer.alloc(10, 2));
  expect(readdirSync(folder)).not.toContain('unwanted');
});

test('a call that cannot be written fails, and leaves its turn', async () => {
  for (let index = 0; index <= TURNS; index++) {
    await expect(calls.put(`no-such-folder/${index}`, filled(10, 1), NEVER)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  }
  expect(read(await calls.put('1', filled(10, 1), NEVER))).toEqual(Buffer.alloc(10, 1));
});

test('large files go with their attempt', async () => {
  const url = await calls.put('1', filled(4 * 2 ** 20 + 1, 1), NEVER);
  calls.remove(url);
  await expect.poll(() => readdirSync(folder)).toEqual([]);
});
