import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DataFile, file } from '../../../src/data/data-file.js';
import { createLocalStaging } from '../../../src/data/local/local-staging.js';
import { createS3Staging } from '../../../src/data/s3/s3-staging.js';
import type { Staging } from '../../../src/data/staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import { temporaryFolder } from './temporary-folder.js';

const { signal } = new AbortController();
const bytes = (text: string) => new TextEncoder().encode(text);

async function place() {
  const directory = await temporaryFolder();
  const store = createMemoryStore({ bucket: 'bucket' });
  const manager = createStagingManager([createLocalStaging(), createS3Staging({ openStore: () => store })]);
  return { directory, store, manager };
}

describe('bringing inputs', () => {
  test('files of one name do not meet, and each bears its own name', async () => {
    const { directory, store, manager } = await place();
    await store.put('a/data.csv', bytes('A'));
    await store.put('b/data.csv', bytes('B'));
    const files = [file('s3://bucket/a/data.csv'), file('s3://bucket/b/data.csv')];
    const paths = await manager.stageIn(files, { directory, signal });
    const [first = '', second = ''] = files.map(({ url }) => paths.get(url));
    expect([await readFile(first, 'utf8'), await readFile(second, 'utf8')]).toEqual(['A', 'B']);
    expect([basename(first), basename(second)]).toEqual(['data.csv', 'data.csv']);
    expect(dirname(first)).not.toBe(dirname(second));
  });

  test('a file that is named twice is brought once', async () => {
    let count = 0;
    const counting: Staging = {
      ...createLocalStaging(),
      stageIn: async () => `/copy-${++count}`,
    };
    const paths = await createStagingManager([counting]).stageIn([file('/x'), file('/x')], {
      directory: await temporaryFolder(),
      signal,
    });
    expect([...paths]).toEqual([['file:///x', '/copy-1']]);
  });

  test('a local file is read where it is', async () => {
    const { directory, manager } = await place();
    const path = join(directory, 'in place.txt');
    await writeFile(path, 'here');
    const paths = await manager.stageIn([file(path)], { directory, signal });
    expect(paths.get(pathToFileURL(path).href)).toBe(path);
  });

  test('a relayed file comes from where it really is, under its own name', async () => {
    const { directory, store, manager } = await place();
    await store.put('relay/0a1b', bytes('carried'));
    const relayed = { 'file:///client/only.txt': 's3://bucket/relay/0a1b' };
    const paths = await manager.stageIn([file('/client/only.txt')], { directory, signal, relayed });
    const path = paths.get('file:///client/only.txt') ?? '';
    expect(basename(path)).toBe('only.txt');
    expect(await readFile(path, 'utf8')).toBe('carried');
  });

  test('the first provider that knows a file brings it', async () => {
    const named = (name: string): Staging => ({ ...createLocalStaging(), name, stageIn: async () => `/${name}` });
    const manager = createStagingManager([named('first'), named('second')]);
    const paths = await manager.stageIn([file('/x')], { directory: await temporaryFolder(), signal });
    expect([...paths.values()]).toEqual(['/first']);
  });

  test('an unknown scheme is NO_STAGING that lists the known ones, and nothing is brought', async () => {
    const { directory, store, manager } = await place();
    await store.put('a', bytes('A'));
    const files = [file('s3://bucket/a'), new DataFile('gopher://host/x')];
    await expect(manager.stageIn(files, { directory, signal })).rejects.toMatchObject({
      code: 'NO_STAGING',
      message: expect.stringMatching(/gopher:\/\/host\/x.*file:, s3:/),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  test('a missing object and a missing file are NOT_FOUND by name', async () => {
    const { directory, manager } = await place();
    await expect(manager.stageIn([file('s3://bucket/nope.txt')], { directory, signal })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('nope.txt'),
    });
    await expect(manager.stageIn([file('/nonexistent/f.txt')], { directory, signal })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('/nonexistent/f.txt'),
    });
  });

  test('the first failure stops the other transfers', async () => {
    let stopped = false;
    const staging: Staging = {
      ...createLocalStaging(),
      stageIn: (wanted, target) => {
        if (wanted.filename === 'bad') return Promise.reject(new Error('bad one'));
        return new Promise((_, reject) => {
          target.signal.addEventListener('abort', () => {
            stopped = true;
            reject(target.signal.reason);
          });
        });
      },
    };
    const directory = await temporaryFolder();
    const running = createStagingManager([staging]).stageIn([file('/waits'), file('/bad')], { directory, signal });
    await expect(running).rejects.toThrow('bad one');
    expect(stopped).toBe(true);
  });
});

describe('putting outputs', () => {
  test('outputs go where they belong, through new folders, and their identities come back', async () => {
    const { directory, store, manager } = await place();
    const target = join(directory, 'new', 'folder', 'out.txt');
    const urls = [pathToFileURL(target).href, 's3://bucket/out.txt'];
    const outputs = urls.map((url) => ({ url, path: manager.outputPath(url, directory) }));
    for (const { path, url } of outputs) await writeFile(path, url);
    const done = await manager.stageOut(outputs, { signal });
    expect(await readFile(target, 'utf8')).toBe(urls[0]);
    expect(new TextDecoder().decode(await store.get('out.txt'))).toBe(urls[1]);
    expect(done.get('s3://bucket/out.txt')).toEqual({ tag: (await store.head('out.txt'))?.etag, size: 19 });
  });

  test('a file that is input and output at once has two paths', async () => {
    const { directory, store, manager } = await place();
    await store.put('data.csv', bytes('old'));
    const paths = await manager.stageIn([file('s3://bucket/data.csv')], { directory, signal });
    const output = manager.outputPath('s3://bucket/data.csv', directory);
    expect(output).not.toBe(paths.get('s3://bucket/data.csv'));
    expect(basename(output)).toBe('data.csv');
    expect(manager.outputPath('s3://bucket/data.csv', directory)).toBe(output);
  });

  test('an output that was not written is MISSING_OUTPUT with its path and URL, and none is moved', async () => {
    const { directory, store, manager } = await place();
    const outputs = ['s3://bucket/there', 's3://bucket/missing'].map((url) => ({
      url,
      path: manager.outputPath(url, directory),
    }));
    await writeFile(outputs[0]?.path ?? '', 'x');
    await expect(manager.stageOut(outputs, { signal })).rejects.toMatchObject({
      code: 'MISSING_OUTPUT',
      class: 'app',
      message: expect.stringMatching(new RegExp(`s3://bucket/missing.*${outputs[1]?.path}`)),
    });
    expect(await store.head('there')).toBeUndefined();
  });

  test('a folder in the place of an output is MISSING_OUTPUT', async () => {
    const { directory, manager } = await place();
    const path = manager.outputPath('s3://bucket/x', directory);
    await mkdir(path);
    await expect(manager.stageOut([{ url: 's3://bucket/x', path }], { signal })).rejects.toMatchObject({
      code: 'MISSING_OUTPUT',
      message: expect.stringContaining('is a folder'),
    });
  });

  test('a relayed output goes where the relay says', async () => {
    const { directory, store, manager } = await place();
    const url = 'file:///client/out.txt';
    const path = manager.outputPath(url, directory);
    await writeFile(path, 'carried');
    await manager.stageOut([{ url, path }], { signal, relayed: { [url]: 's3://bucket/relay/out' } });
    expect(new TextDecoder().decode(await store.get('relay/out'))).toBe('carried');
  });

  test('a URL that names no object says how one is written', async () => {
    const { directory, manager } = await place();
    const url = 's3://bucket';
    const path = manager.outputPath(url, directory);
    await writeFile(path, 'x');
    await expect(manager.stageOut([{ url, path }], { signal })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('s3://bucket/key'),
    });
  });
});

describe('folders', () => {
  test('a folder is brought with all that is below it, and only that', async () => {
    const { directory, store, manager } = await place();
    for (const key of ['in/a.csv', 'in/deep/er/b c.csv', 'input.csv', 'in/marker/']) await store.put(key, bytes(key));
    const paths = await manager.stageIn([file('s3://bucket/in/')], { directory, signal });
    const path = paths.get('s3://bucket/in/') ?? '';
    expect(basename(path)).toBe('in');
    expect((await readdir(path, { recursive: true })).sort()).toEqual(['a.csv', 'deep', 'deep/er', 'deep/er/b c.csv']);
    expect(await readFile(join(path, 'deep/er/b c.csv'), 'utf8')).toBe('in/deep/er/b c.csv');
  });

  test('a local folder is read where it is, and one that is not there is NOT_FOUND', async () => {
    const { directory, manager } = await place();
    const url = pathToFileURL(`${directory}/`).href;
    expect((await manager.stageIn([file(url)], { directory, signal })).get(url)).toBe(`${directory}/`);
    const missing = manager.stageIn([file(`${url}nowhere/`)], { directory, signal });
    await expect(missing).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('nowhere') });
  });

  test('a folder without files is NOT_FOUND', async () => {
    const { directory, manager } = await place();
    const staging = manager.stageIn([file('s3://bucket/none/')], { directory, signal });
    await expect(staging).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('none/') });
  });

  test.each([
    ['../evil', '..'],
    ['a//b', 'a//b'],
    ['./x', './x'],
  ])('a key that no path below a folder can have is refused: in/%s', async (name, told) => {
    const { directory, store, manager } = await place();
    await store.put(`in/${name}`, bytes('x'));
    await store.put('in/good', bytes('x'));
    await expect(manager.stageIn([file('s3://bucket/in/')], { directory, signal })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(told),
    });
    expect(await readdir(directory, { recursive: true })).not.toContainEqual(expect.stringMatching(/evil|good/));
  });

  test('a key that is a file and a folder at once is refused', async () => {
    const { directory, store, manager } = await place();
    for (const key of ['in/a', 'in/a/b']) await store.put(key, bytes(key));
    await expect(manager.stageIn([file('s3://bucket/in/')], { directory, signal })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('"a" is a file as well as a folder'),
    });
  });

  test('an output folder is there to be written into, and all of it goes where it belongs', async () => {
    const { directory, store, manager } = await place();
    const url = 's3://bucket/out/';
    const path = manager.outputPath(url, directory);
    await mkdir(join(path, 'deep %2F'), { recursive: true });
    await writeFile(join(path, 'a b#?.txt'), 'A');
    await writeFile(join(path, 'deep %2F', 'ü.txt'), 'UE');
    const done = await manager.stageOut([{ url, path }], { signal });
    expect(new TextDecoder().decode(await store.get('out/a b#?.txt'))).toBe('A');
    expect(new TextDecoder().decode(await store.get('out/deep %2F/ü.txt'))).toBe('UE');
    expect(done.get(url)).toMatchObject({ size: 3 });
    const again = await manager.stageOut([{ url: pathToFileURL(`${directory}/copy/`).href, path }], { signal });
    expect([...again.values()]).toMatchObject([{ size: 3 }]);
    expect((await readdir(join(directory, 'copy'), { recursive: true })).sort()).toEqual([
      'a b#?.txt',
      'deep %2F',
      'deep %2F/ü.txt',
    ]);
  });

  test('an output folder that stayed empty is MISSING_OUTPUT', async () => {
    const { directory, manager } = await place();
    const url = 's3://bucket/out/';
    const path = manager.outputPath(url, directory);
    await expect(manager.stageOut([{ url, path }], { signal })).rejects.toMatchObject({
      code: 'MISSING_OUTPUT',
      message: expect.stringContaining('empty'),
    });
  });
});
