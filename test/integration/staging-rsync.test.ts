import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import type { RsyncStagingOptions } from '../../src/data/rsync/rsync-options.js';
import { createRsyncStaging } from '../../src/data/rsync/rsync-staging.js';
import { startFaultyProxy } from '../fixtures/network/faulty-proxy.js';
import { startTransfer } from '../fixtures/staging/transfer.js';
import { findRsync, type RsyncDaemon, startRsyncDaemon } from './rsync-daemon.js';
import { findSshd, startSshd } from './sshd-server.js';
import { runAppsOver } from './staging-apps.js';

const { signal } = new AbortController();
const MEBIBYTE = 2 ** 20;
const NAMES = [
  'a b',
  "quote's",
  'star*',
  '[ab]',
  'q?',
  '-n',
  '--delete',
  '$(id)',
  ';ls',
  'new\nline',
  '\\#012',
  'ü',
  '~',
  '#x',
];
const encoded = (name: string) => name.split('/').map(encodeURIComponent).join('/');

describe.runIf(findRsync())('rsync', () => {
  let daemon: RsyncDaemon;
  let near: string;
  beforeAll(async () => {
    daemon = await startRsyncDaemon();
  });
  afterAll(() => daemon?.close());
  beforeEach(async () => {
    near = await mkdtemp(join(tmpdir(), 'sluice-near-'));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(near, { recursive: true, force: true });
    for (const name of await readdir(daemon.place)) await rm(join(daemon.place, name), { recursive: true });
  });

  const urlOf = (name: string, module = 'place') => `${daemon.origin}/${module}/${encoded(name)}`;
  const bring = (url: string, options?: RsyncStagingOptions, stop = signal) =>
    createRsyncStaging(options).stageIn(new DataFile(url), { suggestedPath: join(near, 'in'), signal: stop });
  async function put(url: string, content: string | Uint8Array, options?: RsyncStagingOptions): Promise<void> {
    const path = join(near, 'out');
    await writeFile(path, content);
    await createRsyncStaging(options).stageOut(new DataFile(url), { path, signal });
    await rm(path);
  }
  /** A program that writes down its arguments and is rsync otherwise, slower. */
  async function slowRsync(): Promise<string> {
    const program = join(near, 'rsync');
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" > "${near}/arguments"\nexec rsync --bwlimit=2048 "$@"\n`);
    await chmod(program, 0o755);
    return program;
  }

  test('any name goes out and comes back, and meets no other', async () => {
    // What a pattern would match.
    for (const name of ['starling', 'a', 'qx']) await writeFile(join(daemon.place, name), 'another');
    for (const name of NAMES) await put(urlOf(`sub/${name}`), name);
    for (const name of NAMES) expect(await readFile(await bring(urlOf(`sub/${name}`)), 'utf8')).toBe(name);
    expect([...(await readdir(join(daemon.place, 'sub')))].sort()).toEqual([...NAMES].sort());
    const found: string[] = [];
    for await (const { file } of createRsyncStaging().list?.(new DataFile(urlOf('sub/')), signal) ?? []) {
      found.push(file.filename);
    }
    expect(found.sort()).toEqual([...NAMES].sort());
  });

  test('what may not be, is not there or is a folder is told', async () => {
    await mkdir(join(daemon.place, 'folder/below'), { recursive: true });
    await writeFile(join(daemon.place, 'x'), 'x');
    await expect(put(urlOf('x', 'readonly'), 'y')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(bring(urlOf('x', 'nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(bring(urlOf('folder'))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(put(urlOf('folder'), 'y')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(bring('rsync://127.0.0.1:1/m/x')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    await expect(bring(urlOf('x'), { program: 'no-such-rsync' })).rejects.toMatchObject({ code: 'PACKAGE_MISSING' });
    expect(await readFile(join(daemon.place, 'x'), 'utf8')).toBe('x');
  });

  test('a password opens what is private, and is on no command line and in no message', async () => {
    await writeFile(join(daemon.place, 'x'), 'content');
    const url = urlOf('x', 'private').replace('//', '//jo@');
    const program = await slowRsync();
    const wrong = bring(url, { program, password: 'secret-2' });
    await expect(wrong).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.not.stringContaining('secret-2'),
    });
    expect(await readFile(join(near, 'arguments'), 'utf8')).not.toContain('secret-2');
    expect(await readFile(await bring(url, { program, password: 'secret-1' }), 'utf8')).toBe('content');
    vi.stubEnv('RSYNC_PASSWORD', 'secret-1');
    expect(await readFile(await bring(url), 'utf8')).toBe('content');
  });

  test('a connection that is cut is a named error, and leaves nothing', async () => {
    const proxy = await startFaultyProxy(Number(new URL(daemon.origin).port));
    proxy.cutEach(() => MEBIBYTE);
    await writeFile(join(daemon.place, 'x'), randomBytes(8 * MEBIBYTE));
    const failed = { code: expect.stringMatching(/^(TRANSFER|SERVICE)_FAILED$/) };
    await expect(bring(`rsync://127.0.0.1:${proxy.port}/place/x`)).rejects.toMatchObject(failed);
    expect(await readdir(near)).toEqual([]);
    await expect(put(`rsync://127.0.0.1:${proxy.port}/place/y`, randomBytes(8 * MEBIBYTE))).rejects.toMatchObject(
      failed,
    );
    await expect.poll(() => readdir(daemon.place), { timeout: 20_000 }).toEqual(['x']);
    await proxy.close();
  });

  test('one that is given up ends at once, and leaves nothing on either side', async () => {
    await writeFile(join(daemon.place, 'x'), randomBytes(24 * MEBIBYTE));
    const program = await slowRsync();
    const staging = createRsyncStaging({ program });
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('not wanted'));
    const watched = { signal: stop.signal, onProgress };
    const suggestedPath = join(near, 'in');
    await expect(staging.stageIn(new DataFile(urlOf('x')), { suggestedPath, ...watched })).rejects.toThrow(
      'not wanted',
    );
    expect([...(await readdir(near))].sort()).toEqual(['arguments', 'rsync']);
  });

  test('a process that is killed leaves no file of the final name, there or here', async () => {
    await writeFile(join(daemon.place, 'x'), randomBytes(400 * MEBIBYTE));
    const plan = { staging: ['data/rsync/rsync-staging.js', 'createRsyncStaging'] as const };
    const path = join(near, 'x');
    const down = startTransfer({ ...plan, direction: 'in', url: urlOf('x'), path });
    const exit = once(down.process, 'exit');
    await down.begun;
    down.process.kill('SIGKILL');
    await exit;
    expect([undefined, 400 * MEBIBYTE]).toContain(await sizeOf(path));
    const up = startTransfer({ ...plan, direction: 'out', url: urlOf('y'), path: join(daemon.place, 'x') });
    const ended = once(up.process, 'exit');
    await up.begun;
    up.process.kill('SIGKILL');
    await ended;
    expect([undefined, 400 * MEBIBYTE]).toContain(await sizeOf(join(daemon.place, 'y')));
  });

  /** It may have been there before the kill, and is whole then. */
  const sizeOf = async (path: string) => (await stat(path).catch(() => undefined))?.size;

  test('a full disk is a named error, and leaves nothing', async () => {
    await writeFile(join(daemon.place, 'x'), randomBytes(2 * MEBIBYTE));
    const staging = ['data/rsync/rsync-staging.js', 'createRsyncStaging'] as const;
    const plan = { staging, direction: 'in', url: urlOf('x'), path: join(near, 'x'), largestFileKiB: 512 } as const;
    expect(await startTransfer(plan).end).toMatchObject({ end: 'failed', code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });

  test('apps find a store there like any other', async () => {
    await runAppsOver({
      urlOf: (name) => urlOf(name),
      read: (name) => readFile(join(daemon.place, name), 'utf8'),
      async write(name, text) {
        await mkdir(dirname(join(daemon.place, name)), { recursive: true });
        await writeFile(join(daemon.place, name), text);
      },
    });
  });

  test.runIf(findSshd())('over ssh any name goes out and comes back, too', async () => {
    const sshd = await startSshd();
    try {
      const options = { ssh: ['ssh', '-F', sshd.configFile] };
      const at = (name: string) => `rsync+ssh://127.0.0.1${encoded(join(daemon.place, 'far', name))}`;
      for (const name of NAMES) await put(at(name), name, options);
      for (const name of NAMES) expect(await readFile(await bring(at(name), options), 'utf8')).toBe(name);
      expect([...(await readdir(join(daemon.place, 'far')))].sort()).toEqual([...NAMES].sort());
      await expect(bring(at('missing'), options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    } finally {
      await sshd.close();
    }
  });
});
