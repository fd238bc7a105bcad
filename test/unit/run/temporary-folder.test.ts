import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalStaging } from '../../../src/data/local/local-staging.js';
import { createS3Staging } from '../../../src/data/s3/s3-staging.js';
import { createStagingManager } from '../../../src/data/staging-manager.js';
import type { TemporaryHomes } from '../../../src/data/temporary-homes.js';
import { createMemoryStore } from '../../../src/object-store/memory/memory-store.js';
import { createTemporaryFolder } from '../../../src/run/temporary-folder.js';

let runDir: string;
let homes: TemporaryHomes;
const store = createMemoryStore({ bucket: 'b' });
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'sluice-temp-'));
  const staging = createStagingManager([createLocalStaging(), createS3Staging({ openStore: () => store })]);
  homes = createTemporaryFolder(runDir, () => staging);
});
afterEach(() => rmSync(runDir, { recursive: true }));

const write = (url: string, text: string): void => {
  mkdirSync(dirname(fileURLToPath(url)), { recursive: true });
  writeFileSync(fileURLToPath(url), text);
};
const attempt = { taskId: 3, attempt: 1 };
const keys = async (): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key } of store.listAfter('')) found.push(key);
  return found;
};

test('no two attempts and no two files have one place, whatever their names; folders end in a slash', () => {
  const urls = ['temp:a/x', 'temp:b/x', 'temp:a/', 'temp:%2e%2e', `temp:${'x'.repeat(999)}`];
  const places = [attempt, { taskId: 3, attempt: 2 }, { taskId: 4, attempt: 1 }].flatMap((one) =>
    urls.map((url) => homes.placeFor(url, one)),
  );
  expect(new Set(places).size).toBe(15);
  for (const place of places) expect(fileURLToPath(place).startsWith(join(runDir, 'temp/'))).toBe(true);
  expect(places[2]).toMatch(/\/a\/$/);
  expect(existsSync(join(runDir, 'temp'))).toBe(false);
});

test('files and folders here and in a bucket are removed, with the folders that held them; what is gone counts', async () => {
  const [one, two, folder] = ['temp:a/x', 'temp:b/x', 'temp:c/'].map((url) => homes.placeFor(url, attempt)) as string[];
  write(one as string, '1');
  write(two as string, '2');
  write(`${folder}below/y`, '3');
  for (const key of ['t/1', 't/dir/2', 't/dir/below/3', 't/other']) await store.put(key, Buffer.from('x'));
  await homes.remove([one, folder, 's3://b/t/1', 's3://b/t/dir/', 's3://b/t/never', 's3://b/t/none/'] as string[]);
  expect(readdirSync(join(runDir, 'temp'), { recursive: true }).filter((name) => `${name}`.endsWith('x'))).toHaveLength(
    1,
  );
  expect(await keys()).toEqual(['t/other']);
  await homes.remove([one, two] as string[]);
  expect(readdirSync(join(runDir, 'temp'))).toEqual([]);
  await homes.close();
  expect(existsSync(join(runDir, 'temp'))).toBe(false);
});

test('files and folders that are kept elsewhere are copied to a place here', async () => {
  for (const [key, text] of Object.entries({ 'k/1': 'one', 'k/d/2': 'two', 'k/d/e/3': 'three' })) {
    await store.put(key, Buffer.from(text));
  }
  const [file, folder] = [homes.placeFor('temp:1', attempt), homes.placeFor('temp:d/', attempt)];
  await homes.copy('s3://b/k/1', file);
  await homes.copy('s3://b/k/d/', folder);
  const texts = [file, `${folder}2`, `${folder}e/3`].map((url) => readFileSync(fileURLToPath(url), 'utf8'));
  expect(texts).toEqual(['one', 'two', 'three']);
  await expect(homes.copy('s3://b/k/never', homes.placeFor('temp:2', attempt))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await expect(homes.copy('peer://n/x', homes.placeFor('temp:3', attempt))).rejects.toMatchObject({
    code: 'NO_STAGING',
  });
});
