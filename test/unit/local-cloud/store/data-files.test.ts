import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataFiles } from '../../../../src/local-cloud/store/data-files.js';

let folder: string;
let data: DataFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-data-'));
  data = new DataFiles(folder);
});
afterEach(() => rm(folder, { recursive: true }));

async function write(text: string) {
  const content = (async function* () {
    yield Buffer.from(text);
    return { size: text.length };
  })();
  return (await data.write(content)).segment;
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

async function files(): Promise<number> {
  return (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
}

test('files that are discarded while held go when the last reader lets go', async () => {
  const segments = [await write('one'), await write('two')];
  const [first, second] = [data.hold(segments), data.hold(segments)];
  await data.discard(segments);
  expect(await read(first.read())).toBe('onetwo');
  await first.release();
  expect(await read(second.read({ start: 2, end: 3 }))).toBe('et');
  await second.release();
  expect(await files()).toBe(0);
});

test('content that fails leaves no file', async () => {
  const failing = (async function* (): AsyncGenerator<Uint8Array, { size: number }> {
    yield Buffer.from('half');
    throw new Error('cut off');
  })();
  await expect(data.write(failing)).rejects.toThrow('cut off');
  expect(await files()).toBe(0);
});
