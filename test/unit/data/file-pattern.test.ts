import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DataFile } from '../../../src/data/data-file.js';
import { parseFilePattern } from '../../../src/data/file-pattern.js';
import { createLocalStaging } from '../../../src/data/local/local-staging.js';
import { createS3Staging } from '../../../src/data/s3/s3-staging.js';
import type { Staging } from '../../../src/data/staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import { temporaryFolder } from './temporary-folder.js';

const { signal } = new AbortController();

test.each([
  ['s3://b/2026/*.csv', 's3://b/2026/', ''],
  ['s3://b/2026/part-[0-9]*.csv', 's3://b/2026/', 'part-'],
  ['s3://b/*', 's3://b/', ''],
  ['s3://b/a b/{x,y}/z', 's3://b/a b/', ''],
  [String.raw`s3://b/star\*s/x*`, 's3://b/star*s/', 'x'],
  ['s3://b/**/x.csv', 's3://b/', ''],
  ['sftp://host:22/data/a%20b/*.csv', 'sftp://host:22/data/a%20b/', ''],
  ['/data/in/x?.csv', 'file:///data/in/', 'x'],
  ['file:///data/*.csv', 'file:///data/', ''],
])('%s is looked for below %s', (text, folder, startsWith) => {
  expect(parseFilePattern(text)).toMatchObject({ folder: { url: folder }, isGlob: true, startsWith });
});

test('a file is no pattern, nor is anything that is no text', () => {
  for (const one of ['s3://b/x.csv', '/data/x.csv', new DataFile('s3://b/*.csv'), new URL('https://host/*')]) {
    expect(parseFilePattern(one)).toEqual(new DataFile(one));
  }
  expect(parseFilePattern(String.raw`s3://b/x\*`)).toEqual(new DataFile('s3://b/x*'));
  expect(parseFilePattern('s3://b/x/')).toMatchObject({ folder: { url: 's3://b/x/' }, isGlob: false });
});

describe('listing by pattern', () => {
  async function place() {
    const store = createMemoryStore({ bucket: 'b' });
    for (const key of ['in/a1.csv', 'in/a2.txt', 'in/deep/a3.csv', 'in/.hidden.csv', 'in/b *.csv', 'out/a4.csv']) {
      await store.put(key, Buffer.from(key));
    }
    const manager = createStagingManager([createLocalStaging(), createS3Staging({ openStore: () => store })]);
    const list = async (pattern: string) => {
      const urls: string[] = [];
      for await (const { file } of manager.list(pattern, signal)) urls.push(file.url);
      return urls.sort();
    };
    return { store, manager, list };
  }

  test.each([
    ['s3://b/in/*.csv', ['in/.hidden.csv', 'in/a1.csv', 'in/b *.csv']],
    ['s3://b/in/**/*.csv', ['in/.hidden.csv', 'in/a1.csv', 'in/b *.csv', 'in/deep/a3.csv']],
    ['s3://b/in/', ['in/.hidden.csv', 'in/a1.csv', 'in/a2.txt', 'in/b *.csv', 'in/deep/a3.csv']],
    ['s3://b/{in,out}/a?.csv', ['in/a1.csv', 'out/a4.csv']],
    [String.raw`s3://b/in/b \*.csv`, ['in/b *.csv']],
    ['s3://b/in/a1.csv', ['in/a1.csv']],
    ['s3://b/in/nothing*', []],
  ])('%s', async (pattern, keys) => {
    const { list } = await place();
    expect(await list(pattern)).toEqual(keys.map((key) => `s3://b/${key}`));
  });

  test('local folders are listed the same way', async () => {
    const { list } = await place();
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'de ep'));
    for (const name of ['a.csv', 'b.txt', 'de ep/c%.csv']) await writeFile(join(folder, name), name);
    const urls = (...names: string[]) => names.map((name) => pathToFileURL(join(folder, name)).href);
    expect(await list(join(folder, '*.csv'))).toEqual(urls('a.csv'));
    expect(await list(join(folder, '**', '*.csv'))).toEqual(urls('a.csv', 'de ep/c%.csv'));
  });

  test('identities and removal take files of several stores at once', async () => {
    const { store, manager } = await place();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x'), 'xx');
    const files = [join(folder, 'x'), join(folder, 'none'), 's3://b/in/a1.csv', 's3://b/none'];
    const found = await manager.identities(files, signal);
    expect([...found.values()].map(({ size }) => size).sort()).toEqual([2, 9]);
    await manager.remove(files, signal);
    expect((await manager.identities(files, signal)).size).toBe(0);
    expect(await store.head('in/a2.txt')).toBeDefined();
  });

  test('a store that cannot list says so for a glob, and takes a name that ends in / for a file', async () => {
    const web: Staging = {
      name: 'web',
      schemes: ['https'],
      capabilities: { stageOut: false, list: false, remove: false, identity: 'content' },
      canStageIn: () => true,
      canStageOut: () => true,
      stageIn: async () => '/copy',
      stageOut: async () => undefined,
      identity: async () => ({ tag: 't', size: 1 }),
      close: async () => undefined,
    };
    const manager = createStagingManager([web]);
    const glob = manager.list('https://host/*.csv', signal)[Symbol.asyncIterator]().next();
    await expect(glob).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('web') });
    for await (const { file } of manager.list('https://host/dir/', signal)) expect(file.url).toBe('https://host/dir/');
    await expect(manager.remove(['https://host/x'], signal)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});
