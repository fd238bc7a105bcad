import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../../src/checksums/crc32.js';
import { crc32c } from '../../../src/checksums/crc32c.js';
import { downloadObject } from '../../../src/data/objects/download-object.js';
import { uploadFile } from '../../../src/data/objects/upload-file.js';
import { localFailure } from '../../../src/data/write-whole.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import type { ObjectInfo, ObjectStore } from '../../../src/object-store/object-store.js';
import { temporaryFolder } from './temporary-folder.js';

const MEBIBYTE = 1024 * 1024;
const { signal } = new AbortController();

/** A store that lets `before` act ahead of each stream it opens. */
function watching(store: ObjectStore, before: (opened: number) => Promise<unknown>): ObjectStore {
  let opened = 0;
  return {
    ...store,
    getStream: async (key, options) => {
      opened += 1;
      await before(opened);
      return store.getStream(key, options);
    },
  };
}

/** A store that tells a checksum of its objects. */
function announcing(store: ObjectStore, sum: Pick<ObjectInfo, 'crc32' | 'crc32c'>): ObjectStore {
  return {
    ...store,
    getStream: async (key, options) => {
      const { info, chunks } = await store.getStream(key, options);
      return { info: { ...info, ...sum }, chunks };
    },
  };
}

describe('a download', () => {
  test('of an object that is replaced meanwhile fails, and leaves nothing', async () => {
    const folder = await temporaryFolder();
    const store = createMemoryStore({ bucket: 'b' });
    await store.put('key', randomBytes(20 * MEBIBYTE));
    const replacing = watching(store, async (opened) => {
      if (opened === 2) await store.put('key', randomBytes(20 * MEBIBYTE));
    });
    const running = downloadObject(replacing, 'key', { path: join(folder, 'copy'), signal });
    await expect(running).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      class: 'infrastructure',
      message: expect.stringContaining('changed'),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('is stopped in its midst by an abort, and leaves nothing', async () => {
    const folder = await temporaryFolder();
    const store = createMemoryStore({ bucket: 'b' });
    await store.put('key', randomBytes(40 * MEBIBYTE));
    const stop = new AbortController();
    const stopping = watching(store, async (opened) => {
      if (opened === 3) stop.abort(new Error('enough'));
    });
    const running = downloadObject(stopping, 'key', { path: join(folder, 'copy'), signal: stop.signal });
    await expect(running).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['crc32', crc32],
    ['crc32c', crc32c],
  ] as const)('in parts that are not, together, what the %s of the whole says fails', async (name, sumOf) => {
    const folder = await temporaryFolder();
    const body = randomBytes(20 * MEBIBYTE + 7);
    const right = announcing(createMemoryStore({ bucket: 'b' }), { [name]: sumOf(body) });
    await right.put('key', body);
    await downloadObject(right, 'key', { path: join(folder, 'copy'), signal });
    expect((await readFile(join(folder, 'copy'))).equals(body)).toBe(true);
    // One bit less.
    const wrong = announcing(right, { [name]: (sumOf(body) ^ 1) >>> 0 });
    const running = downloadObject(wrong, 'key', { path: join(folder, 'other'), signal });
    const message = expect.stringMatching(new RegExp(`its ${name} is`, 'i'));
    await expect(running).rejects.toMatchObject({ code: 'TRANSFER_FAILED', message });
    expect(await readdir(folder)).toEqual(['copy']);
  });

  test('replaces the file that has its name', async () => {
    const folder = await temporaryFolder();
    const store = createMemoryStore({ bucket: 'b' });
    await store.put('key', Buffer.from('new'));
    const path = join(folder, 'copy');
    await writeFile(path, 'the old one');
    await downloadObject(store, 'key', { path, signal });
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  test('onto a folder, or below a file, says so', async () => {
    const folder = await temporaryFolder();
    const store = createMemoryStore({ bucket: 'b' });
    await store.put('key', Buffer.from('x'));
    await mkdir(join(folder, 'taken'));
    await writeFile(join(folder, 'plain'), '');
    await expect(downloadObject(store, 'key', { path: join(folder, 'taken'), signal })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(join(folder, 'taken')),
    });
    await expect(downloadObject(store, 'key', { path: join(folder, 'plain', 'x'), signal })).rejects.toMatchObject({
      message: expect.stringContaining(join(folder, 'plain')),
    });
    expect((await readdir(folder)).sort()).toEqual(['plain', 'taken']);
  });
});

describe('an upload', () => {
  test.each([
    ['of up to 1 MiB is read at once', MEBIBYTE, 'put'],
    ['of more is read when its store has room for it', MEBIBYTE + 1, 'putParts'],
  ])('%s', async (_, size, method) => {
    const path = join(await temporaryFolder(), 'data');
    await writeFile(path, randomBytes(size));
    const store = createMemoryStore({ bucket: 'b' });
    const calls: string[] = [];
    const noting: ObjectStore = {
      ...store,
      put: (...args) => {
        calls.push('put');
        return store.put(...args);
      },
      putParts: (...args) => {
        calls.push('putParts');
        return store.putParts(...args);
      },
    };
    await uploadFile(noting, 'key', { path, signal });
    expect(calls).toEqual([method]);
    expect(Buffer.compare(await store.get('key'), await readFile(path))).toBe(0);
  });

  test('of a file that grows meanwhile fails', async () => {
    const path = join(await temporaryFolder(), 'log');
    await writeFile(path, 'first\n');
    const store = createMemoryStore({ bucket: 'b' });
    const slow: ObjectStore = {
      ...store,
      put: async (...args) => {
        await appendFile(path, 'second\n');
        return store.put(...args);
      },
    };
    await expect(uploadFile(slow, 'key', { path, signal })).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining(path),
    });
  });
});

test.each([
  ['EACCES', 'ACCESS_DENIED'],
  ['ENOSPC', 'TRANSFER_FAILED'],
  ['EMFILE', 'TRANSFER_FAILED'],
])('%s of the file system is %s, and names what was tried', (systemCode, code) => {
  const error = localFailure('read /some/path', Object.assign(new Error('system'), { code: systemCode }));
  expect(error).toMatchObject({ code, message: expect.stringContaining('read /some/path') });
});
