import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createSftpStaging } from '../../src/data/sftp/sftp-staging.js';
import type { Staging } from '../../src/data/staging.js';
import { type FaultyProxy, startFaultyProxy } from '../fixtures/network/faulty-proxy.js';
import { mountSmallDisk } from './small-disk.js';
import { findSshd, type Sshd, startSshd } from './sshd-server.js';
import { runAppsOver } from './staging-apps.js';
import { killInTransfer, transferInProcess } from './staging-process.js';

const { signal } = new AbortController();
const MEBIBYTE = 2 ** 20;

describe.runIf(findSshd())('sftp', () => {
  let sshd: Sshd;
  let proxy: FaultyProxy;
  let staging: Staging;
  /** There, and here. */
  let far: string;
  let near: string;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd?.close());
  beforeEach(async () => {
    far = await mkdtemp(join(tmpdir(), 'sluice-far-'));
    near = await mkdtemp(join(tmpdir(), 'sluice-near-'));
    proxy = await startFaultyProxy(sshd.port);
    const config = join(near, '.config');
    await writeFile(
      config,
      `Host proxied\nHostName 127.0.0.1\nPort ${proxy.port}\nHostKeyAlias [127.0.0.1]:${sshd.port}\n`,
    );
    staging = createSftpStaging({
      ssh: {
        configFile: config,
        identityFiles: [sshd.identityFile],
        agent: false,
        knownHostsFiles: [sshd.knownHostsFile],
      },
    });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await staging.close();
    await proxy.close();
    await rm(far, { recursive: true, force: true });
    await rm(near, { recursive: true, force: true });
  });

  const fileAt = (name: string) =>
    new DataFile(`sftp://proxied${far}/${name.split('/').map(encodeURIComponent).join('/')}`);
  const stageIn = (
    name: string,
    to = name,
    options: { signal?: AbortSignal; onProgress?: (bytes: number) => void } = {},
  ) => staging.stageIn(fileAt(name), { suggestedPath: join(near, to), signal, ...options });
  const leftHere = async () => (await readdir(near)).filter((name) => name !== '.config');
  async function here(name: string, size: number): Promise<{ path: string; content: Buffer }> {
    const content = randomBytes(size);
    await writeFile(join(near, name), content);
    return { path: join(near, name), content };
  }

  describe('over a connection that breaks again and again', () => {
    const SIZE = 24 * MEBIBYTE + 5;
    // Each connection breaks a bit later than the one before it: what has come is not asked for again.
    const breaking = () =>
      proxy.cutEach((count) => (count <= 6 ? Math.floor((0.3 + Math.random()) * 4 * MEBIBYTE) : undefined));

    test('a file comes whole, and what has come is not brought again', async () => {
      const content = randomBytes(SIZE);
      await writeFile(join(far, 'data'), content);
      breaking();
      let told = 0;
      const path = await stageIn('data', 'copy', { onProgress: (bytes) => (told += bytes) });
      expect((await readFile(path)).equals(content)).toBe(true);
      expect(told).toBe(SIZE);
      expect(proxy.connections()).toBeGreaterThan(3);
      // At most what was under way is lost each time.
      expect(proxy.bytes()).toBeLessThan(SIZE + proxy.connections() * 9 * MEBIBYTE);
      expect(await leftHere()).toEqual(['copy']);
    });

    test('a file goes out whole, and nothing is left beside it', async () => {
      const { path, content } = await here('data', SIZE);
      breaking();
      let told = 0;
      const identity = await staging.stageOut(fileAt('deep/er/data'), {
        path,
        signal,
        onProgress: (bytes) => (told += bytes),
      });
      expect((await readFile(join(far, 'deep/er/data'))).equals(content)).toBe(true);
      expect(told).toBe(SIZE);
      expect(identity).toEqual(await staging.identity(fileAt('deep/er/data')));
      expect(proxy.connections()).toBeGreaterThan(3);
      expect(await readdir(join(far, 'deep/er'))).toEqual(['data']);
    });

    test('everything else is done as well', async () => {
      for (let n = 0; n < 40; n++) await writeFile(join(far, `f${n}`), String(n));
      // Some while logging in, some while answering.
      proxy.cutEach((count) => (count % 3 === 0 ? undefined : 1_000 + Math.floor(Math.random() * 6_000)));
      const found: string[] = [];
      for await (const { file } of staging.list?.(new DataFile(`sftp://proxied${far}/`), signal) ?? [])
        found.push(file.filename);
      expect(found).toHaveLength(40);
      await staging.remove?.(found.map(fileAt), signal);
      expect(await readdir(far)).toEqual([]);
      expect(proxy.connections()).toBeGreaterThan(1);
    });

    test('that never holds, a transfer ends with an error that says so, and leaves nothing here', async () => {
      await writeFile(join(far, 'data'), randomBytes(MEBIBYTE));
      proxy.cutEach(() => 2_000);
      await expect(stageIn('data')).rejects.toMatchObject({
        code: 'SERVICE_FAILED',
        class: 'infrastructure',
        message: expect.stringContaining('ssh://'),
      });
      expect(await leftHere()).toEqual([]);
    });
  });

  describe('a file that changes', () => {
    test('while it is being read is told, and nothing is kept', async () => {
      await writeFile(join(far, 'data'), randomBytes(40 * MEBIBYTE));
      const stopped = stageIn('data', 'copy', {
        onProgress: onceAfter(2 * MEBIBYTE, () => shorten(join(far, 'data'))),
      });
      await expect(stopped).rejects.toMatchObject({
        code: 'TRANSFER_FAILED',
        message: expect.stringMatching(/changed|ended early/),
      });
      expect(await leftHere()).toEqual([]);
    });

    test('after the connection was lost is told, and no mixture is made', async () => {
      await writeFile(join(far, 'data'), randomBytes(40 * MEBIBYTE));
      const onProgress = onceAfter(2 * MEBIBYTE, async () => {
        await writeFile(join(far, 'new'), randomBytes(40 * MEBIBYTE + 1));
        await rename(join(far, 'new'), join(far, 'data'));
        proxy.cutAll();
      });
      await expect(stageIn('data', 'copy', { onProgress })).rejects.toMatchObject({
        code: 'TRANSFER_FAILED',
        message: expect.stringContaining('changed while it was being read'),
      });
      expect(await leftHere()).toEqual([]);
    });

    test('by being replaced while it is open comes as it was', async () => {
      const content = randomBytes(40 * MEBIBYTE);
      await writeFile(join(far, 'data'), content);
      const onProgress = onceAfter(2 * MEBIBYTE, async () => {
        await writeFile(join(far, 'new'), 'new');
        await rename(join(far, 'new'), join(far, 'data'));
      });
      expect((await readFile(await stageIn('data', 'copy', { onProgress }))).equals(content)).toBe(true);
    });

    test('here, while it goes out, is told, and nothing appears there', async () => {
      const { path } = await here('data', 40 * MEBIBYTE);
      const onProgress = onceAfter(2 * MEBIBYTE, () => shorten(path));
      await expect(staging.stageOut(fileAt('data'), { path, signal, onProgress })).rejects.toMatchObject({
        code: 'TRANSFER_FAILED',
        message: expect.stringContaining(path),
      });
      expect(await readdir(far)).toEqual([]);
    });
  });

  describe('an abort', () => {
    test('in the middle of reading ends it, and nothing is left', async () => {
      await writeFile(join(far, 'data'), randomBytes(60 * MEBIBYTE));
      const stop = new AbortController();
      const onProgress = onceAfter(2 * MEBIBYTE, () => stop.abort(new Error('not wanted')));
      await expect(stageIn('data', 'copy', { signal: stop.signal, onProgress })).rejects.toThrow('not wanted');
      expect(await leftHere()).toEqual([]);
    });

    test('in the middle of writing ends it, and nothing is left there', async () => {
      const { path } = await here('data', 60 * MEBIBYTE);
      const stop = new AbortController();
      const onProgress = onceAfter(2 * MEBIBYTE, () => stop.abort(new Error('not wanted')));
      const stopped = staging.stageOut(fileAt('data'), { path, signal: stop.signal, onProgress });
      await expect(stopped).rejects.toThrow('not wanted');
      expect(await readdir(far)).toEqual([]);
    });

    test('ends what waits for a host that says nothing', async () => {
      await staging.identity(fileAt('x'));
      proxy.freeze();
      const stop = new AbortController();
      const waiting = stageIn('data', 'copy', { signal: stop.signal });
      const begun = Date.now();
      stop.abort(new Error('not wanted'));
      await expect(waiting).rejects.toThrow('not wanted');
      // Long before the connection would count as lost.
      expect(Date.now() - begun).toBeLessThan(10_000);
      expect(await leftHere()).toEqual([]);
    });
  });

  test('permissions go with the file, both ways', async () => {
    const { path } = await here('tool', 3);
    await chmod(path, 0o750);
    await staging.stageOut(fileAt('tool'), { path, signal });
    expect((await stat(join(far, 'tool'))).mode & 0o777).toBe(0o750 & ~process.umask());
    await chmod(join(far, 'tool'), 0o500);
    expect((await stat(await stageIn('tool', 'back'))).mode & 0o777).toBe(0o500);
  });

  test('paths of 4,000 characters are reached', async () => {
    const name = Array.from({ length: 15 }, () => 'ü'.repeat(120)).join('/');
    const { path, content } = await here('data', 10);
    await staging.stageOut(fileAt(name), { path, signal });
    expect(await readFile(await stageIn(name, 'back'))).toEqual(content);
  });

  test('links to files are listed, links to folders and to nothing are not, nor what is being written', async () => {
    await mkdir(join(far, 'below'));
    await writeFile(join(far, 'below', 'file'), 'x');
    await symlink('below/file', join(far, 'link'));
    await symlink('..', join(far, 'below', 'loop'));
    await symlink('nowhere', join(far, 'broken'));
    await writeFile(join(far, '.01234567-89ab-cdef-0123-456789abcdef.part'), 'half');
    const found: string[] = [];
    const folder = new DataFile(`sftp://proxied${far}/`);
    for await (const { file } of staging.list?.(folder, signal) ?? []) found.push(file.url.slice(folder.url.length));
    expect(found.sort()).toEqual(['below/file', 'link']);
    const missing = staging.list?.(new DataFile(`sftp://proxied${far}/missing/`), signal) ?? [];
    await expect(
      (async () => {
        for await (const _ of missing);
      })(),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  describe('what is no file', () => {
    test('is not read', async () => {
      await mkdir(join(far, 'folder'));
      await expect(stageIn('folder')).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining('folder'),
      });
      await expect(staging.identity(fileAt('folder'))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
      expect(await leftHere()).toEqual([]);
    });

    test('is not replaced', async () => {
      const { path } = await here('data', 10);
      await mkdir(join(far, 'folder', 'full'), { recursive: true });
      await expect(staging.stageOut(fileAt('folder'), { path, signal })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining('a folder has that name'),
      });
      expect(await readdir(far)).toEqual(['folder']);
    });

    test('does not become a folder', async () => {
      const { path } = await here('data', 10);
      await writeFile(join(far, 'plain'), '');
      await expect(staging.stageOut(fileAt('plain/below/data'), { path, signal })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining(join(far, 'plain')),
      });
    });
  });

  describe('a process that is killed', () => {
    const transfer = (direction: 'in' | 'out', name: string, path: string) => ({
      direction,
      path,
      url: `sftp://localhost${far}/${name}`,
      env: { SLUICE_SSH_CONFIG: sshd.configFile },
    });

    test('while it writes leaves nothing under the final name, and the next one is not disturbed', async () => {
      const { path, content } = await here('data', 200 * MEBIBYTE);
      await killInTransfer(transfer('out', 'data', path), far);
      const left = await readdir(far);
      expect(left).toEqual([expect.stringMatching(/^\..*\.part$/)]);
      await transferInProcess(transfer('out', 'data', path));
      expect((await readFile(join(far, 'data'))).equals(content)).toBe(true);
      const listed: string[] = [];
      for await (const { file } of staging.list?.(new DataFile(`sftp://proxied${far}/`), signal) ?? [])
        listed.push(file.filename);
      expect(listed).toEqual(['data']);
    });

    test('while it reads leaves nothing under the final name, and the next one is not disturbed', async () => {
      const content = randomBytes(200 * MEBIBYTE);
      await writeFile(join(far, 'data'), content);
      await killInTransfer(transfer('in', 'data', near), near);
      expect((await readdir(near, { recursive: true })).filter((name) => name.endsWith('/data'))).toEqual([]);
      const { path } = await transferInProcess(transfer('in', 'data', near));
      expect((await readFile(path)).equals(content)).toBe(true);
    });
  });

  test.each(['in', 'out'] as const)('memory does not grow with the file (%s)', async (direction) => {
    const path = join(direction === 'in' ? far : near, 'data');
    await writeFile(path, randomBytes(300 * MEBIBYTE));
    const { growthMiB } = await transferInProcess({
      direction,
      url: `sftp://localhost${far}/data`,
      path: direction === 'in' ? near : path,
      env: { SLUICE_SSH_CONFIG: sshd.configFile },
    });
    expect(growthMiB).toBeLessThan(150);
  });

  test('apps read and write files of a host, and wait for them', async () => {
    vi.stubEnv('SLUICE_SSH_CONFIG', sshd.configFile);
    await runAppsOver({
      urlOf: (name) => `sftp://localhost${far}/${name.split('/').map(encodeURIComponent).join('/')}`,
      async write(name, text) {
        await mkdir(dirname(join(far, name)), { recursive: true });
        await writeFile(join(far, name), text);
      },
      read: (name) => readFile(join(far, name), 'utf8'),
    });
  });

  describe('a full disk', () => {
    test('there is told, and nothing is left on it', async () => {
      const disk = await mountSmallDisk(4);
      if (disk === undefined) return;
      try {
        const { path } = await here('data', 12 * MEBIBYTE);
        const target = new DataFile(`sftp://proxied${disk.folder}/data`);
        await expect(staging.stageOut(target, { path, signal })).rejects.toMatchObject({
          code: 'TRANSFER_FAILED',
          message: expect.stringContaining('the disk there is full'),
        });
        expect(await readdir(disk.folder)).toEqual([]);
      } finally {
        await disk.close();
      }
    });

    test('here is told, and nothing is left on it', async () => {
      const disk = await mountSmallDisk(4);
      if (disk === undefined) return;
      try {
        await writeFile(join(far, 'data'), randomBytes(12 * MEBIBYTE));
        const target = { suggestedPath: join(disk.folder, 'data'), signal };
        await expect(staging.stageIn(fileAt('data'), target)).rejects.toMatchObject({
          code: 'TRANSFER_FAILED',
          message: expect.stringContaining('the disk is full'),
        });
        expect(await readdir(disk.folder)).toEqual([]);
      } finally {
        await disk.close();
      }
    });
  });
});

/** A listener to progress that acts once, when so many bytes have moved. */
function onceAfter(bytes: number, act: () => unknown): (moved: number) => void {
  let total = 0;
  let done = false;
  return (moved) => {
    total += moved;
    if (done || total < bytes) return;
    done = true;
    void act();
  };
}

async function shorten(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.truncate(1_000);
  await handle.close();
}
