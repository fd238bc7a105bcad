import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import type { Staging } from '../../src/data/staging.js';
import { createZipStaging } from '../../src/data/zip/zip-staging.js';
import { startTransfer } from '../fixtures/staging/transfer.js';
import { makeArchive, membersOf } from '../fixtures/staging/zip-archive.js';
import { requireOrSkip } from './required-server.js';

const { signal } = new AbortController();
const ZIP = ['data/zip/zip-staging.js', 'createZipStaging'] as const;
const MEBIBYTE = 2 ** 20;
let folder: string;
let near: string;
let archive: string;
let staging: Staging;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-zip-'));
  near = await mkdtemp(join(tmpdir(), 'sluice-near-'));
  archive = join(folder, 'a.zip');
  staging = createZipStaging();
});
afterEach(async () => {
  await staging.close();
  for (const path of [folder, near]) await rm(path, { recursive: true, force: true });
});

const urlOf = (name: string) => `zip:${archive}/${name}`;
async function read(name: string): Promise<Buffer> {
  const suggestedPath = join(near, `in-${name}`);
  return readFile(await staging.stageIn(new DataFile(urlOf(name)), { suggestedPath, signal }));
}
async function local(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(near, name), content);
  return join(near, name);
}

describe('several outputs into one archive', () => {
  test('of several processes at a time are all there, and nothing else', async () => {
    const names = Array.from({ length: 4 }, (_, index) => `p${index}`);
    const transfers = await Promise.all(
      names.map(async (name) =>
        startTransfer({
          staging: ZIP,
          direction: 'out',
          url: urlOf(name),
          path: await local(name, name.repeat(1_000)),
        }),
      ),
    );
    const ours = Array.from({ length: 12 }, async (_, index) => {
      const path = await local(`t${index}`, `t${index}`);
      await staging.stageOut(new DataFile(urlOf(`t${index}`)), { path, signal: new AbortController().signal });
    });
    await Promise.all(ours);
    for (const { end } of transfers) expect(await end).toMatchObject({ end: 'done' });
    expect([...(await membersOf(archive))].sort()).toEqual(
      [...names, ...Array.from({ length: 12 }, (_, index) => `t${index}`)].sort(),
    );
    for (const name of names) expect(String(await read(name))).toBe(name.repeat(1_000));
  });

  test('one that is given up does not take the others with it', async () => {
    const stop = new AbortController();
    const path = await local('x', randomBytes(MEBIBYTE));
    const lost = staging.stageOut(new DataFile(urlOf('lost')), {
      path,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('not wanted')),
    });
    const kept = ['a', 'b'].map((name) => staging.stageOut(new DataFile(urlOf(name)), { path, signal }));
    await expect(lost).rejects.toThrow('not wanted');
    await Promise.all(kept);
    expect([...(await membersOf(archive))].sort()).toEqual(['a', 'b']);
  });
});

describe('a process that is killed', () => {
  test('while it writes leaves the archive as it was, and its lock to the next', async () => {
    await makeArchive(archive, [
      { name: 'old', content: randomBytes(24 * MEBIBYTE), options: { level: 0 } },
      { name: 'small', content: 'small' },
    ]);
    const before = await readFile(archive);
    const path = await local('new', randomBytes(MEBIBYTE));
    const transfer = startTransfer({ staging: ZIP, direction: 'out', url: urlOf('new'), path });
    const exit = once(transfer.process, 'exit');
    await expect
      .poll(async () => (await readdir(folder)).some((name) => name.endsWith('.lock')), {
        timeout: 60_000,
        interval: 1,
      })
      .toBe(true);
    transfer.process.kill('SIGKILL');
    await exit;
    expect((await readFile(archive)).equals(before)).toBe(true);
    expect((await readdir(folder)).some((name) => name.endsWith('.lock'))).toBe(true);
    const begun = performance.now();
    await staging.stageOut(new DataFile(urlOf('next')), { path, signal });
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect(String(await read('small'))).toBe('small');
    expect((await read('next')).equals(await readFile(path))).toBe(true);
    expect((await readdir(folder)).filter((name) => !name.endsWith('.part'))).toEqual(['a.zip']);
  });

  test('while it reads leaves no file of the final name', async () => {
    await makeArchive(archive, [{ name: 'x', content: randomBytes(32 * MEBIBYTE) }]);
    const path = join(near, 'x');
    const transfer = startTransfer({ staging: ZIP, direction: 'in', url: urlOf('x'), path });
    const exit = once(transfer.process, 'exit');
    await transfer.begun;
    transfer.process.kill('SIGKILL');
    await exit;
    expect(await transfer.end).toBeUndefined();
    await expect(access(path)).rejects.toThrow();
  });
});

describe('a full disk', () => {
  test('is a named error, and leaves the archive as it was, and nothing beside it', async () => {
    await makeArchive(archive, [{ name: 'old', content: 'old' }]);
    const before = await readFile(archive);
    const path = await local('x', randomBytes(2 * MEBIBYTE));
    const { end } = startTransfer({ staging: ZIP, direction: 'out', url: urlOf('x'), path, largestFileKiB: 512 });
    expect(await end).toMatchObject({ end: 'failed', code: 'TRANSFER_FAILED' });
    expect((await readFile(archive)).equals(before)).toBe(true);
    expect(await membersOf(archive)).toEqual(['old']);
  });

  test('is one for inputs, too', async () => {
    await makeArchive(archive, [{ name: 'x', content: Buffer.alloc(2 * MEBIBYTE, 'x') }]);
    const path = join(near, 'x');
    const { end } = startTransfer({ staging: ZIP, direction: 'in', url: urlOf('x'), path, largestFileKiB: 512 });
    expect(await end).toMatchObject({ end: 'failed', code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });
});

test('an archive that is replaced while a member is read gives the old content whole', async () => {
  const content = randomBytes(8 * MEBIBYTE);
  await makeArchive(archive, [{ name: 'x', content }]);
  const path = await local('y', 'another');
  let replaced: Promise<unknown> | undefined;
  const suggestedPath = join(near, 'in');
  await staging.stageIn(new DataFile(urlOf('x')), {
    suggestedPath,
    signal,
    onProgress() {
      replaced ??= staging.stageOut(new DataFile(urlOf('x')), { path, signal });
    },
  });
  await replaced;
  expect((await readFile(suggestedPath)).equals(content)).toBe(true);
  expect(String(await read('x'))).toBe('another');
});

test('memory does not grow with the file, either way', async () => {
  const move = async (name: string, mebibytes: number) => {
    const path = join(near, name);
    for (let written = 0; written < mebibytes; written++) await appendFile(path, randomBytes(MEBIBYTE));
    const back = join(near, `${name}-back`);
    const out = await startTransfer({ staging: ZIP, direction: 'out', url: urlOf(name), path }).end;
    const input = await startTransfer({ staging: ZIP, direction: 'in', url: urlOf(name), path: back }).end;
    for (const end of [out, input]) expect(end).toMatchObject({ end: 'done' });
    expect(execFileSync('cmp', [path, back], { encoding: 'utf8' })).toBe('');
    return Math.max(out?.rssMiB ?? Infinity, input?.rssMiB ?? Infinity);
  };
  // Of the process that starts it, a process takes over the most it ever had.
  const little = await move('little', 1);
  expect(await move('large', 160)).toBeLessThan(little + 80);
});

describe.runIf(requireOrSkip('python3', { command: 'python3', install: 'apt-get install python3' }))('python', () => {
  const python = (script: string) => execFileSync('python3', ['-c', script, archive], { encoding: 'utf8' });

  test('reads what is written here, with times and permissions', async () => {
    const path = await local('run.sh', 'echo "hello"\n'.repeat(500));
    execFileSync('chmod', ['750', path]);
    await staging.stageOut(new DataFile(urlOf('bin/%C3%BC%20run.sh')), { path, signal });
    await staging.stageOut(new DataFile(urlOf('empty')), { path: await local('empty', ''), signal });
    const told = python(`
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps([z.testzip(), [[i.filename, i.file_size, oct(i.external_attr >> 16)] for i in z.infolist()]]))`);
    expect(JSON.parse(told)).toEqual([
      null,
      [
        ['bin/ü run.sh', 6_500, '0o100750'],
        ['empty', 0, '0o100644'],
      ],
    ]);
    expect(told).toContain('0o100750');
  });

  test('and its archives are read and added to here, in the form for large ones, too', async () => {
    python(`
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)
z.comment = b'kept'
with z.open('large', 'w', force_zip64=True) as f: f.write(b'zip64' * 1000)
zipfile.ZIP_FILECOUNT_LIMIT = 100
for i in range(200): z.writestr('m%d' % i, '')
z.close()`);
    expect(String(await read('large'))).toBe('zip64'.repeat(1_000));
    await staging.stageOut(new DataFile(urlOf('added')), { path: await local('added', 'added'), signal });
    expect(String(await read('added'))).toBe('added');
    const told = python(`
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(len(z.infolist()), z.comment.decode(), z.read('large') == b'zip64' * 1000, z.read('added').decode())`);
    expect(told.trim()).toBe('202 kept True added');
  });
});
