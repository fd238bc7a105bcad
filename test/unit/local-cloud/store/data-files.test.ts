import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataFiles } from '../../../../src/local-cloud/store/data-files.js';
import { blocksIn } from './blocks-in.js';

let folder: string;
let data: DataFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-data-'));
  data = new DataFiles(folder);
});
afterEach(async () => {
  await data.close();
  await rm(folder, { recursive: true });
});

async function write(...chunks: (string | Buffer)[]) {
  const bytes = chunks.map((chunk) => Buffer.from(chunk as string));
  const content = (async function* () {
    yield* bytes;
    return { size: bytes.reduce((sum, { length }) => sum + length, 0) };
  })();
  return (await data.write(content)).segment;
}

async function read(chunks: AsyncIterable<Uint8Array>, encoding: BufferEncoding = 'utf8'): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString(encoding);
}

async function files(): Promise<number> {
  return (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;
}

const LARGE = randomBytes(300_000);

test('what is discarded while held goes when the last reader lets go', async () => {
  const segments = [await write('one'), await write(LARGE), await write('two')];
  const [first, second] = [data.hold(segments), data.hold(segments)];
  await data.discard(segments);
  expect(await read(first.read(), 'hex')).toBe(`${hex('one')}${LARGE.toString('hex')}${hex('two')}`);
  await first.release();
  await write('not over it');
  expect(await read(second.read({ start: LARGE.length + 2, end: LARGE.length + 3 }), 'hex')).toContain(hex('t'));
  expect(await read(second.read({ start: 1, end: 2 }))).toBe('ne');
  await second.release();
  expect(await files()).toBe(1);
});

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

test('content that fails leaves nothing, small or large', async () => {
  for (const half of [Buffer.from('half'), LARGE]) {
    const failing = (async function* (): AsyncGenerator<Uint8Array, { size: number }> {
      yield half;
      throw new Error('cut off');
    })();
    await expect(data.write(failing)).rejects.toThrow('cut off');
    expect(await blocksIn(folder)).toBe(0);
  }
});

test('content of any size comes back as it was, however many pieces it came in', async () => {
  const sizes = [[0], [1, 0, 2], [262_144], [262_145], [100_000, 162_144], [262_144, 1], [200_000, 200_000, 200_000]];
  for (const pieces of sizes) {
    const chunks = pieces.map((size) => randomBytes(size));
    const segment = await write(...chunks);
    expect(segment.size).toBe(pieces.reduce((sum, size) => sum + size, 0));
    const held = data.hold([segment]);
    expect(await read(held.read(), 'base64')).toBe(Buffer.concat(chunks).toString('base64'));
    await held.release();
  }
});

test('segments that are written and discarded at the same time keep apart', async () => {
  const one = async (index: number): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      const text = `${index}-${round}.`.repeat(1 + ((index * 7919 + round * 104_729) % 4000));
      const segment = await write(text);
      const held = data.hold([segment]);
      expect(await read(held.read())).toBe(text);
      await held.release();
      await data.discard([segment]);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => one(index)));
  expect(await blocksIn(folder)).toBe(0);
});

test('a start keeps what is named, and its room only', async () => {
  const segments = [await write('a'), await write('b'), await write('c'), await write(LARGE), await write(LARGE)];
  const named = [segments[1], segments[3]].filter((segment) => segment !== undefined);
  await data.close();
  data = new DataFiles(folder);
  await data.sweep(named);
  expect(await blocksIn(folder)).toBe(2 + Math.ceil(LARGE.length / 4096));
  await write('in the place of a');
  const held = data.hold(named.slice(0, 1));
  expect(await read(held.read())).toBe('b');
  await held.release();
  expect(await blocksIn(folder)).toBe(2 + Math.ceil(LARGE.length / 4096));
});
