import { readdirSync, readlinkSync, renameSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBackends } from '../../../src/worker/backends.js';
import { failureOf } from '../../fixtures/kernel/failure-of.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-backends-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('bytes kept as a local file are fetched by its URL, and nothing lies beside it', async () => {
  const backends = createBackends();
  const url = pathToFileURL(join(folder, 'new folder', 'a value')).href;
  await backends.keep(url, new Uint8Array([1, 2, 3]));
  expect([...(await backends.fetch(url))]).toEqual([1, 2, 3]);
  expect(await readdir(join(folder, 'new folder'))).toEqual(['a value']);
});

test('a local file that is not there is said to be that, by name', async () => {
  const path = join(folder, 'nothing');
  const error = await failureOf(createBackends().fetch(pathToFileURL(path).href));
  expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining(path) });
});

test.runIf(process.platform === 'linux')(
  'what is read of a file that loses its name meanwhile is not given out',
  async () => {
    const path = join(folder, 'a value');
    await writeFile(path, new Uint8Array(64 * 2 ** 20));
    const fetched = createBackends().fetch(pathToFileURL(path).href);
    fetched.catch(() => {});
    while (!isOpen(path)) await nextTurn();
    renameSync(path, join(folder, 'another value'));
    await expect(fetched.then(({ byteLength }) => byteLength)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  },
);

function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    } catch {
      return false;
    }
  });
}
