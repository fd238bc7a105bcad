import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isTemporaryName, removeLeftovers, writeWhole } from '../../../src/data/write-whole.js';
import { bootName } from '../../../src/run/owner.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-whole-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a file appears whole, and while it is filled it has a name that is known for it', async () => {
  const path = join(folder, 'below/file');
  await writeWhole(path, async (temporaryPath) => {
    await writeFile(temporaryPath, 'content');
    const names = await readdir(join(folder, 'below'));
    expect(names.map(isTemporaryName)).toEqual([true]);
  });
  expect(await readdir(join(folder, 'below'))).toEqual(['file']);
  expect(await readFile(path, 'utf8')).toBe('content');
});

test('what a writer has left that was killed is removed; what others fill, and files of like names, are not', async () => {
  const gone = `.1-1-${bootName()}.ab12.part`;
  const elsewhere = '.1-1-00000000.ab12.part';
  const farSide = '.01234567-89ab-cdef-0123-456789abcdef.part';
  for (const name of [gone, elsewhere, farSide, 'a.part', '.part']) await writeFile(join(folder, name), 'half');
  await writeWhole(join(folder, 'file'), async (temporaryPath) => {
    await writeFile(temporaryPath, 'content');
    await removeLeftovers(folder);
  });
  expect((await readdir(folder)).sort()).toEqual([elsewhere, farSide, '.part', 'a.part', 'file'].sort());
});

test('a folder that cannot be looked at stays as it is', async () => {
  await removeLeftovers(join(folder, 'none'));
  expect(await readdir(folder)).toEqual([]);
});
