import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, bash, type DataFile, type DataFlowKernel, file, type Io, load } from 'sluice';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataFile as SourceFile } from '../../src/data/data-file.js';
import { createZipStaging } from '../../src/data/zip/zip-staging.js';
import { makeArchive, membersOf } from '../fixtures/staging/zip-archive.js';
import { runAppsOver } from './staging-apps.js';

let runDir: string;
let folder: string;
let kernel: DataFlowKernel;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'sluice-run-'));
  folder = await mkdtemp(join(tmpdir(), 'sluice-zips-'));
  kernel = await load({ runDir, asDefault: false, handleSignals: false });
});
afterEach(async () => {
  await kernel.close();
  for (const path of [runDir, folder]) await rm(path, { recursive: true, force: true, maxRetries: 5 });
});

const { signal } = new AbortController();
const urlIn = (archive: string, name: string) => `zip:${folder}/${archive}/${name}`;
async function textOf(url: string): Promise<string> {
  const staging = createZipStaging();
  const suggestedPath = join(runDir, 'looked-at');
  await staging.stageIn(new SourceFile(url), { suggestedPath, signal });
  await staging.close();
  return readFile(suggestedPath, 'utf8');
}

test('members are inputs and arguments', async () => {
  await makeArchive(join(folder, 'in.zip'), [{ name: 'some/data.txt', content: 'hello' }]);
  const read = app(
    async (text: DataFile) => {
      const { readFile: readText } = await import('node:fs/promises');
      return [text.filename, await readText(text.path, 'utf8')];
    },
    { name: 'read', kernel },
  );
  expect(await read(file(urlIn('in.zip', 'some/data.txt')))).toEqual(['data.txt', 'hello']);
});

test('an output goes into an archive, and several of one task into one', async () => {
  const write = bash((io) => io.sh`for each in ${io.outputs}; do echo "$each" | wc -l > "$each"; done`, {
    name: 'write',
    kernel,
  });
  await write({ outputs: [urlIn('one.zip', 'only.txt')] });
  expect(await membersOf(join(folder, 'one.zip'))).toEqual(['only.txt']);
  const names = ['a.txt', 'below/b.txt', 'c.txt'];
  await rm(join(folder, 'one.zip'));
  await write({ outputs: names.map((name) => urlIn('many.zip', name)) });
  expect([...(await membersOf(join(folder, 'many.zip')))].sort()).toEqual(names);
  for (const name of names) expect(await textOf(urlIn('many.zip', name))).toBe('1\n');
});

test('tasks at the same time write to one archive', async () => {
  const say = bash((word: string, io: Io) => io.sh`printf %s ${word} > ${io.outputs[0]}`, { name: 'say', kernel });
  const words = Array.from({ length: 8 }, (_, index) => `word-${index}`);
  await Promise.all(words.map((word) => say(word, { outputs: [urlIn('all.zip', word)] })));
  expect([...(await membersOf(join(folder, 'all.zip')))].sort()).toEqual(words);
  for (const word of words) expect(await textOf(urlIn('all.zip', word))).toBe(word);
});

test('a pipeline goes from one archive to the next, or on in the same one', async () => {
  await makeArchive(join(folder, 'in.zip'), [{ name: 'n', content: '7\n' }]);
  const addOne = bash((io) => io.sh`expr $(cat ${io.inputs[0]}) + 1 > ${io.outputs[0]}`, { name: 'addOne', kernel });
  const second = addOne({ inputs: [urlIn('in.zip', 'n')], outputs: [urlIn('out.zip', 'n')] });
  const third = addOne({ inputs: [second.outputs[0]], outputs: [urlIn('out.zip', 'm')] });
  await third;
  expect(await textOf(urlIn('out.zip', 'm'))).toBe('9\n');
  expect(await membersOf(join(folder, 'out.zip'))).toEqual(['n', 'm']);
});

test('stdout and stderr go into archives', async () => {
  const both = bash((io) => io.sh`echo out; echo err >&2`, { name: 'both', kernel });
  await both({ stdout: urlIn('logs.zip', 'task/stdout.txt'), stderr: urlIn('logs.zip', 'task/stderr.txt') });
  expect(await textOf(urlIn('logs.zip', 'task/stdout.txt'))).toBe('out\n');
  expect(await textOf(urlIn('logs.zip', 'task/stderr.txt'))).toBe('err\n');
});

test('a host is refused, for inputs, outputs and streams', async () => {
  const copy = bash((io) => io.sh`for each in ${io.outputs}; do touch "$each"; done`, { name: 'copy', kernel });
  const url = 'zip://someone/tmp/a.zip/b';
  for (const options of [{ inputs: [url] }, { outputs: [url] }, { stdout: url }]) {
    await expect(copy(options)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining("names the host 'someone'"),
    });
  }
});

test('apps find a store there like any other', async () => {
  const staging = createZipStaging();
  const urlOf = (name: string) => urlIn('store.zip', name.split('/').map(encodeURIComponent).join('/'));
  await runAppsOver({
    urlOf,
    read: (name) => textOf(urlOf(name)),
    async write(name, text) {
      const path = join(runDir, 'written');
      await writeFile(path, text);
      await staging.stageOut(new SourceFile(urlOf(name)), { path, signal });
    },
  });
  await staging.close();
});
