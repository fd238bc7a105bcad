import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { createZipStaging } from '../../../../src/data/zip/zip-staging.js';
import type { ZipStagingOptions } from '../../../../src/data/zip/zip-staging-options.js';
import { archiveOf, type MadeMember, makeArchive, membersOf } from '../../../fixtures/staging/zip-archive.js';
import { temporaryFolder } from '../temporary-folder.js';

const { signal } = new AbortController();
let folder: string;
let archive: string;
let near: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  near = await temporaryFolder();
  archive = join(folder, 'a.zip');
});

async function bring(name: string, options?: ZipStagingOptions): Promise<string> {
  const staging = createZipStaging(options);
  try {
    const suggestedPath = join(near, 'in');
    return await readFile(
      await staging.stageIn(new DataFile(`zip:${archive}/${name}`), { suggestedPath, signal }),
      'utf8',
    );
  } finally {
    await staging.close();
  }
}

async function put(name: string, content = 'new'): Promise<void> {
  const staging = createZipStaging();
  const path = join(near, 'out');
  await writeFile(path, content);
  await staging.stageOut(new DataFile(`zip:${archive}/${name}`), { path, signal });
  await staging.close();
}

async function list(): Promise<string[]> {
  const staging = createZipStaging();
  const found: string[] = [];
  try {
    for await (const { file } of staging.list?.(new DataFile(`zip:${archive}/`), signal) ?? []) found.push(file.url);
  } finally {
    await staging.close();
  }
  return found;
}

/** An archive whose directory and header say something else of its only member's size. */
async function lyingAbout(content: Uint8Array, size: number): Promise<void> {
  const bytes = await archiveOf([{ name: 'x', content, options: { dataDescriptor: false, extendedTimestamp: false } }]);
  // Source: APPNOTE.TXT 4.3.7 and 4.3.12, where the uncompressed size stands.
  bytes.writeUInt32LE(size, 22);
  bytes.writeUInt32LE(size, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 24);
  await writeFile(archive, bytes);
}

describe('names that lead out of the archive', () => {
  test.each(['../evil', '/etc/evil', 'a/../../evil', 'a\\..\\evil', 'C:/evil'])(
    'a list that finds %s says so, and other members can be read and written',
    async (name) => {
      await makeArchive(archive, [
        { name, content: 'evil' },
        { name: 'good', content: 'good' },
      ]);
      await expect(list()).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('evil') });
      expect(await bring('good')).toBe('good');
      await put('more');
      expect(await membersOf(archive)).toEqual([name, 'good', 'more']);
    },
  );
});

describe('members that are no plain files', () => {
  const refused: [string, MadeMember][] = [
    ['a symbolic link', { name: 'x', content: '/etc/passwd', options: { unixMode: 0o120777 } }],
    ['an encrypted member', { name: 'x', content: 'secret', options: { password: 'p' } }],
    ['one encrypted in the old way', { name: 'x', content: 'secret', options: { password: 'p', zipCrypto: true } }],
    ['a folder', { name: 'x/', options: { directory: true } }],
    ['a folder by its files', { name: 'x/y', content: 'y' }],
  ];
  test.each(refused)('%s is refused, and nothing is written', async (_, member) => {
    await makeArchive(archive, [member]);
    await expect(bring('x')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await readdir(near)).toEqual([]);
  });

  test('a file cannot take the place of a folder, nor be below a file', async () => {
    await makeArchive(archive, [{ name: 'x/y', content: 'y' }]);
    for (const name of ['x', 'x/y/z']) await expect(put(name)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await membersOf(archive)).toEqual(['x/y']);
  });

  test('of two members of one name the last counts, also after a change', async () => {
    const bytes = await archiveOf([
      { name: 'x1', content: 'first' },
      { name: 'x2', content: 'last' },
    ]);
    await writeFile(archive, Buffer.from(bytes.toString('latin1').replaceAll(/x[12]/g, 'xx'), 'latin1'));
    expect(await bring('xx')).toBe('last');
    await put('more');
    expect(await bring('xx')).toBe('last');
    expect(await membersOf(archive)).toEqual(['xx', 'more']);
  });
});

describe('archives that lie', () => {
  test('a member that unpacks to more than declared is cut off, and not kept', async () => {
    await lyingAbout(Buffer.alloc(5_000_000), 5_000);
    await expect(bring('x')).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });

  test('a member that unpacks to less than declared is not kept', async () => {
    await lyingAbout(Buffer.from('short'), 50);
    await expect(bring('x')).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });

  test('a ratio that deflate never reaches is refused before anything is unpacked', async () => {
    await lyingAbout(Buffer.from('short'), 50_000_000);
    await expect(bring('x')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('largestRatio'),
    });
  });

  test('a byte that is another one is found by the checksum', async () => {
    await makeArchive(archive, [{ name: 'x', content: 'some content', options: { level: 0 } }]);
    const bytes = await readFile(archive);
    bytes.write('S', bytes.indexOf('some content'));
    await writeFile(archive, bytes);
    await expect(bring('x')).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });

  test('what is no archive, or half of one, is told', async () => {
    await writeFile(archive, 'no archive at all, but long enough to be one');
    await expect(bring('x')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('zip'),
    });
    const whole = await archiveOf([{ name: 'x', content: 'some content' }]);
    await writeFile(archive, whole.subarray(0, whole.length - 30));
    await expect(bring('x')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(put('y')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(await readdir(folder)).toEqual(['a.zip']);
    expect((await readFile(archive)).length).toBe(whole.length - 30);
  });
});

describe('bounds', () => {
  test('large members are refused by option, or by the environment', async () => {
    await makeArchive(archive, [{ name: 'x', content: 'y'.repeat(20_000) }]);
    await expect(bring('x', { largestMemberBytes: 19_999 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(bring('x', { largestRatio: 10 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    vi.stubEnv('SLUICE_ZIP_OPTIONS', '{"largestMemberBytes":19999}');
    await expect(bring('x')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    vi.stubEnv('SLUICE_ZIP_OPTIONS', '{"largest');
    await expect(bring('x')).rejects.toMatchObject({ message: expect.stringContaining('SLUICE_ZIP_OPTIONS') });
    vi.unstubAllEnvs();
    expect(await bring('x')).toHaveLength(20_000);
  });

  test('options that do not exist are named', () => {
    expect(() => createZipStaging({ largest: 1 } as ZipStagingOptions)).toThrow(/largest/);
  });
});

test('an archive behind a symbolic link is changed where it is, and the link stays', async () => {
  const other = await temporaryFolder();
  await makeArchive(join(other, 'real.zip'), [{ name: 'x', content: 'x' }]);
  await symlink(join(other, 'real.zip'), archive);
  await put('y');
  expect(await membersOf(join(other, 'real.zip'))).toEqual(['x', 'y']);
  expect(await bring('y')).toBe('new');
});
