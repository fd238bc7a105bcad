import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createFileRelay } from '../../../src/data/file-relay.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import type { ObjectStore } from '../../../src/object-store/object-store.js';
import { temporaryFolder } from './temporary-folder.js';

const keyOf = (url = '') => url.slice('mem://bucket/'.length);

async function place() {
  const folder = await temporaryFolder();
  const memory = createMemoryStore({ bucket: 'bucket' });
  const uploads: string[] = [];
  const store: ObjectStore = {
    ...memory,
    put: (key, ...rest) => {
      uploads.push(key);
      return memory.put(key, ...rest);
    },
    putParts: (key, ...rest) => {
      uploads.push(key);
      return memory.putParts(key, ...rest);
    },
  };
  const relay = createFileRelay({ store, prefix: 'runs/1/relay' });
  const write = async (name: string, content: string | Uint8Array) => {
    await writeFile(join(folder, name), content);
    return pathToFileURL(join(folder, name)).href;
  };
  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of store.listAfter('')) found.push(key);
    return found;
  };
  return { folder, store, relay, uploads, write, keys };
}

describe('sending', () => {
  test('a content goes up once, whatever its names and however many send it at a time', async () => {
    const { relay, uploads, write, store } = await place();
    const content = randomBytes(9 * 1024 * 1024);
    const urls = [await write('a.bin', content), await write('b.bin', content)];
    const [first, second] = await Promise.all([relay.send(urls), relay.send(urls)]);
    const third = await relay.send(urls);
    expect(uploads).toHaveLength(1);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(new Set(Object.values(first)).size).toBe(1);
    expect(Buffer.compare(await store.get(keyOf(first[urls[0] ?? ''])), content)).toBe(0);
  });

  test('a file that was changed is sent anew', async () => {
    const { relay, write, store } = await place();
    const url = await write('data.txt', 'one');
    const before = await relay.send([url]);
    await write('data.txt', 'other');
    const after = await relay.send([url]);
    expect(after[url]).not.toBe(before[url]);
    expect(Buffer.from(await store.get(keyOf(after[url]))).toString()).toBe('other');
  });

  test('files of other schemes are left out', async () => {
    const { relay } = await place();
    expect(await relay.send(['s3://bucket/x', 'https://host/y'])).toEqual({});
    expect(relay.outputsFor(['s3://bucket/x'], 'task-1')).toEqual({});
  });

  test('a missing file is NOT_FOUND by its path, and can be sent once it is there', async () => {
    const { folder, relay, write } = await place();
    const url = pathToFileURL(join(folder, 'late.txt')).href;
    await expect(relay.send([url])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(join(folder, 'late.txt')),
    });
    await write('late.txt', 'here');
    expect(Object.keys(await relay.send([url]))).toEqual([url]);
  });

  test('a failed upload is not remembered', async () => {
    const { relay: _, store, write } = await place();
    let failures = 1;
    const failing: ObjectStore = {
      ...store,
      put: async (...args) => {
        if (failures-- > 0) throw new Error('no luck');
        return store.put(...args);
      },
    };
    const relay = createFileRelay({ store: failing, prefix: 'p' });
    const url = await write('a.txt', 'x');
    await expect(relay.send([url])).rejects.toThrow('no luck');
    expect(Object.keys(await relay.send([url]))).toEqual([url]);
  });

  test('one sender that gives up does not stop the upload others wait for', async () => {
    const { store, write } = await place();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = () => {};
    const uploading = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const gated: ObjectStore = {
      ...store,
      put: async (...args) => {
        begun();
        await gate;
        return store.put(...args);
      },
    };
    const relay = createFileRelay({ store: gated, prefix: 'p' });
    const url = await write('a.txt', 'x');
    const stop = new AbortController();
    const impatient = relay.send([url], { signal: stop.signal });
    const patient = relay.send([url]);
    await uploading;
    stop.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    release();
    expect(Object.keys(await patient)).toEqual([url]);
  });
});

describe('receiving', () => {
  test('outputs come to their local paths, and their objects go', async () => {
    const { folder, relay, store, keys } = await place();
    const url = pathToFileURL(join(folder, 'new', 'out.txt')).href;
    const record = relay.outputsFor([url], 'task-7-attempt-1');
    expect(record[url]).toMatch(/^mem:\/\/bucket\/runs\/1\/relay\/outputs\/task-7-attempt-1\/[0-9a-f]+\/out\.txt$/);
    await store.put(keyOf(record[url]), Buffer.from('result'));
    await relay.receive(record);
    expect(await readFile(join(folder, 'new', 'out.txt'), 'utf8')).toBe('result');
    expect(await keys()).toEqual([]);
  });

  test('attempts, and outputs of one name, never share an object', async () => {
    const { relay } = await place();
    const urls = ['file:///a/out.txt', 'file:///b/out.txt'];
    const all = ['try-1', 'try-2'].flatMap((attempt) => Object.values(relay.outputsFor(urls, attempt)));
    expect(new Set(all).size).toBe(4);
  });

  test('an output that never came is NOT_FOUND, and no half file is left', async () => {
    const { folder, relay } = await place();
    const url = pathToFileURL(join(folder, 'out.txt')).href;
    await expect(relay.receive(relay.outputsFor([url], 'try'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('closing', () => {
  test('everything under the prefix goes, and nothing else', async () => {
    const { relay, store, write, keys } = await place();
    await store.put('runs/1/relay-of-another', new Uint8Array(1));
    await relay.send([await write('a.txt', 'x')]);
    await store.put('runs/1/relay/outputs/lost/out.txt', new Uint8Array(1));
    await relay.close();
    await relay.close();
    expect(await keys()).toEqual(['runs/1/relay-of-another']);
  });

  test('a file cannot be sent any more', async () => {
    const { folder, relay, write } = await place();
    const url = await write('a.txt', 'x');
    await relay.close();
    await expect(relay.send([url])).rejects.toThrow(/closed/);
    await rm(folder, { recursive: true });
  });
});

describe('folders', () => {
  test('a folder goes up as it is, once as long as nothing in it changes, and comes back the same', async () => {
    const { folder, relay, uploads, write, store } = await place();
    await mkdir(join(folder, 'data', 'deep'), { recursive: true });
    await write('data/a b.txt', 'A');
    await write('data/deep/b.txt', 'B');
    const url = pathToFileURL(`${join(folder, 'data')}/`).href;
    const [first, second] = await Promise.all([relay.send([url]), relay.send([url])]);
    expect(second).toEqual(first);
    expect(uploads).toHaveLength(2);
    const prefix = keyOf(first[url]);
    expect(prefix).toMatch(/\/$/);
    expect(Buffer.from(await store.get(`${prefix}a b.txt`)).toString()).toBe('A');
    await write('data/deep/b.txt', 'changed');
    expect(keyOf((await relay.send([url]))[url])).not.toBe(prefix);
  });

  test('an output folder comes to its place, and its objects go', async () => {
    const { folder, relay, store, keys } = await place();
    const url = pathToFileURL(`${join(folder, 'out')}/`).href;
    const record = relay.outputsFor([url], '1-0');
    const prefix = keyOf(record[url]);
    await store.put(`${prefix}a.txt`, Buffer.from('A'));
    await store.put(`${prefix}deep/b.txt`, Buffer.from('B'));
    await relay.receive(record);
    expect(await readFile(join(folder, 'out/deep/b.txt'), 'utf8')).toBe('B');
    expect(await keys()).toEqual([]);
  });
});
