import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createFtpStaging } from '../../src/data/ftp/ftp-staging.js';
import type { FtpStagingOptions } from '../../src/data/ftp/ftp-staging-options.js';
import type { Staging } from '../../src/data/staging.js';
import {
  type FtpCommand,
  type FtpFault,
  type FtpManners,
  ScriptedFtpServer,
} from '../fixtures/ftp/scripted-ftp-server.js';
import { mountSmallDisk } from './small-disk.js';
import { runAppsOver } from './staging-apps.js';

const { signal } = new AbortController();
setMaxListeners(0, signal);
const MEBIBYTE = 2 ** 20;

let far: string;
let near: string;
let server: ScriptedFtpServer;
let staging: Staging;
const made: Staging[] = [];
beforeEach(async () => {
  far = await mkdtemp(join(tmpdir(), 'sluice-far-'));
  near = await mkdtemp(join(tmpdir(), 'sluice-near-'));
  server = await ScriptedFtpServer.start(far);
  staging = stagingWith();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(made.splice(0).map((one) => one.close()));
  await server.close();
  for (const folder of [far, near]) await rm(folder, { recursive: true, force: true });
});

function stagingWith(options: FtpStagingOptions = {}): Staging {
  const one = createFtpStaging({ netrcFile: false, ...options });
  made.push(one);
  return one;
}
const behave = (manners: Partial<FtpManners>) => {
  server.manners = { ...server.manners, ...manners };
};
/** Plays a fault at the nth command of a name. */
const at = (name: string, nth: number, fault: FtpFault) =>
  behave({ fault: (command) => (command.name === name && command.nth === nth ? fault : undefined) });
const play = (fault: (command: FtpCommand) => FtpFault) => behave({ fault });

const encoded = (name: string) => name.split('/').map(encodeURIComponent).join('/');
const fileAt = (name: string, login = '') => new DataFile(`ftp://${login}127.0.0.1:${server.port}/${encoded(name)}`);
interface Watching {
  readonly signal?: AbortSignal;
  readonly onProgress?: (bytes: number) => void;
}
const stageIn = (name: string, options: Watching = {}) =>
  staging.stageIn(fileAt(name), { suggestedPath: join(near, 'copy'), signal, ...options });
async function stageOut(name: string, content: string | Buffer, options: Watching = {}) {
  const path = join(near, 'source');
  await writeFile(path, content);
  return staging.stageOut(fileAt(name), { path, signal, ...options });
}
async function list(folder: string): Promise<string[]> {
  const base = new DataFile(`ftp://127.0.0.1:${server.port}/${folder}`);
  const found: string[] = [];
  for await (const { file } of staging.list?.(base, signal) ?? [])
    found.push(decodeURIComponent(file.url.slice(base.url.length)));
  return found.sort();
}

describe('logging in', () => {
  test('is anonymous where nobody is named', async () => {
    behave({ user: 'anonymous' });
    expect(await staging.identity(fileAt('none'))).toBeUndefined();
    expect(server.logins).toBe(1);
  });

  const alice = { user: 'alice', password: 'open: sesame@' };
  const ways: readonly [string, string, FtpStagingOptions][] = [
    ['the URL says', 'alice:open%3A%20sesame%40@', {}],
    ['the options say of the host', '', { credentials: { '127.0.0.1': alice } }],
    ['a function says', 'alice@', { credentials: (host) => (host === '127.0.0.1' ? alice : undefined) }],
  ];
  test.each(ways)('works with what %s', async (_, login, options) => {
    behave(alice);
    expect(await stagingWith(options).identity(fileAt('none', login))).toBeUndefined();
  });

  test('works with what ~/.netrc says', async () => {
    behave({ user: 'alice', password: 'open-sesame' });
    const netrcFile = join(near, 'netrc');
    await writeFile(netrcFile, 'machine 127.0.0.1 login alice password open-sesame\n');
    expect(await stagingWith({ netrcFile }).identity(fileAt('none'))).toBeUndefined();
  });

  test('that fails is ACCESS_DENIED, and no password is shown, even when the server repeats it', async () => {
    behave({ user: 'alice', password: 'open-sesame' });
    const error = await staging.identity(fileAt('none', 'alice:wrong-secret@')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/ftp:\/\/alice@127\.0\.0\.1.*~\/\.netrc/),
    });
    expect(inspect(error, { depth: 9 })).not.toContain('wrong-secret');
  });

  test('is given up for a server that does not answer in time', async () => {
    play(({ name }) => (name === 'USER' ? 'silence' : undefined));
    const hasty = stagingWith({ timeoutMs: 50 });
    await expect(hasty.identity(fileAt('none'))).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    expect(server.count('USER')).toBe(6);
  });
});

describe('a connection that breaks', () => {
  const SIZE = 3 * MEBIBYTE + 5;
  // Every third transfer is left whole, and the others get some bytes further each.
  const breaking = (name: string) =>
    play((command) =>
      command.name === name && command.nth % 3 !== 0
        ? { cutAfter: Math.floor((0.1 + Math.random()) * MEBIBYTE) }
        : undefined,
    );

  test('while a file comes is made again, and what has come is not asked for again', async () => {
    const content = randomBytes(SIZE);
    await writeFile(join(far, 'data'), content);
    breaking('RETR');
    let told = 0;
    const path = await stageIn('data', { onProgress: (bytes) => (told += bytes) });
    expect((await readFile(path)).equals(content)).toBe(true);
    expect(told).toBe(SIZE);
    expect(server.count('RETR')).toBeGreaterThan(1);
    expect(server.count('REST')).toBe(server.count('RETR') - 1);
    expect((await readdir(near)).sort()).toEqual(['copy']);
  });

  test('while a file goes out is made again, and what has arrived is not sent again', async () => {
    const content = randomBytes(SIZE);
    breaking('STOR');
    let told = 0;
    const identity = await stageOut('deep/er/data', content, { onProgress: (bytes) => (told += bytes) });
    expect((await readFile(join(far, 'deep/er/data'))).equals(content)).toBe(true);
    expect(told).toBe(SIZE);
    expect(identity).toEqual(await staging.identity(fileAt('deep/er/data')));
    expect(server.count('STOR')).toBeGreaterThan(2);
    expect(server.count('REST')).toBeGreaterThan(0);
    expect(await readdir(join(far, 'deep/er'))).toEqual(['data']);
  });

  test.each(['PASS', 'EPSV', 'RETR', 'SIZE', 'MDTM'])(
    'instead of the answer to %s of a file that comes, it comes',
    async (name) => {
      const content = randomBytes(100_000);
      await writeFile(join(far, 'data'), content);
      at(name, 1, 'cut');
      expect((await readFile(await stageIn('data'))).equals(content)).toBe(true);
    },
  );

  test.each(['STOR', 'SIZE', 'MDTM', 'RNFR', 'RNTO'])(
    'instead of the answer to %s of one that goes out, it is there once',
    async (name) => {
      const content = randomBytes(100_000);
      at(name, 1, 'cut');
      await stageOut('data', content);
      expect((await readFile(join(far, 'data'))).equals(content)).toBe(true);
      expect(await readdir(far)).toEqual(['data']);
    },
  );

  test('when a file is removed or listed is made again', async () => {
    for (let n = 0; n < 10; n++) await writeFile(join(far, `f${n}`), String(n));
    play(({ name, nth }) => (/^(MLSD|DELE|CWD|PASS)$/.test(name) && nth % 4 === 1 ? 'cut' : undefined));
    const found = await list('');
    expect(found).toHaveLength(10);
    await staging.remove?.(
      found.map((name) => fileAt(name)),
      signal,
    );
    expect(await readdir(far)).toEqual([]);
  });

  test('again and again, and gets nothing through, ends with an error that says so', async () => {
    await writeFile(join(far, 'data'), randomBytes(100_000));
    play(({ name }) => (name === 'RETR' ? { cutAfter: 0 } : undefined));
    await expect(stageIn('data')).rejects.toMatchObject({ code: 'SERVICE_FAILED', class: 'infrastructure' });
    expect(server.count('RETR')).toBe(6);
    expect(await readdir(near)).toEqual([]);
  });
});

describe('a length', () => {
  test('that is wrong makes the rest be asked for', async () => {
    const content = randomBytes(500_000);
    await writeFile(join(far, 'data'), content);
    at('RETR', 1, { endAfter: 123_456 });
    expect((await readFile(await stageIn('data'))).equals(content)).toBe(true);
    expect(server.commands).toContain('REST 123456');
  });

  test('that stays wrong is TRANSFER_FAILED, and nothing is kept', async () => {
    await writeFile(join(far, 'data'), randomBytes(500_000));
    play(({ name }) => (name === 'RETR' ? { endAfter: 0 } : undefined));
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/0 bytes arrived of 500000/),
    });
    expect(await readdir(near)).toEqual([]);
  });

  test('of which not all arrived there makes all be sent again', async () => {
    const content = randomBytes(500_000);
    at('STOR', 1, { endAfter: 10_000 });
    await stageOut('data', content);
    expect((await readFile(join(far, 'data'))).equals(content)).toBe(true);
    expect(server.count('STOR')).toBe(2);
    expect(await readdir(far)).toEqual(['data']);
  });

  test('that never arrives is told, and nothing is left there', async () => {
    play(({ name }) => (name === 'STOR' ? { endAfter: 10_000 } : undefined));
    await expect(stageOut('data', randomBytes(500_000))).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('10000 bytes arrived of 500000'),
    });
    expect(await readdir(far)).toEqual([]);
  });
});

describe('a server that does not restart', () => {
  test.each(['no', 'reading'] as const)('where files go out (%s) is sent all of it again', async (restart) => {
    behave({ restart });
    const content = randomBytes(MEBIBYTE);
    at('STOR', 1, { cutAfter: 300_000 });
    let told = 0;
    await stageOut('data', content, { onProgress: (bytes) => (told += bytes) });
    expect((await readFile(join(far, 'data'))).equals(content)).toBe(true);
    expect(told).toBe(MEBIBYTE);
    expect(await readdir(far)).toEqual(['data']);
  });

  test('where files come gives all of it again', async () => {
    behave({ restart: 'no' });
    const content = randomBytes(MEBIBYTE);
    await writeFile(join(far, 'data'), content);
    at('RETR', 1, { cutAfter: 300_000 });
    let told = 0;
    expect((await readFile(await stageIn('data', { onProgress: (bytes) => (told += bytes) }))).equals(content)).toBe(
      true,
    );
    expect(told).toBe(MEBIBYTE);
  });
});

describe('a file that changes', () => {
  test('while it comes is told, and nothing is kept', async () => {
    const path = join(far, 'data');
    await writeFile(path, randomBytes(8 * MEBIBYTE));
    const onProgress = onceAfter(1, () => utimes(path, new Date(2001, 1), new Date(2001, 1)));
    await expect(stageIn('data', { onProgress })).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('changed while it was being read'),
    });
    expect(await readdir(near)).toEqual([]);
  });

  test('after a connection was lost is no mixture', async () => {
    const path = join(far, 'data');
    await writeFile(path, randomBytes(MEBIBYTE));
    play(({ name, nth }) => {
      if (name === 'RETR' && nth === 1) return { cutAfter: 200_000 };
      return undefined;
    });
    const onProgress = onceAfter(1, () => writeFile(path, randomBytes(MEBIBYTE + 1)));
    await expect(stageIn('data', { onProgress })).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });

  test('by growing is told before more than its size is kept', async () => {
    const path = join(far, 'data');
    await writeFile(path, randomBytes(100_000));
    play(({ name }) => {
      // Between its size and its content.
      if (name === 'EPSV') void writeFile(path, randomBytes(2 * MEBIBYTE));
      return undefined;
    });
    await expect(stageIn('data')).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await readdir(near)).toEqual([]);
  });

  test('here, while it goes out, is told, and nothing appears there', async () => {
    const onProgress = onceAfter(MEBIBYTE, async () => {
      const handle = await open(join(near, 'source'), 'r+');
      await handle.truncate(10);
      await handle.close();
    });
    await expect(stageOut('data', randomBytes(30 * MEBIBYTE), { onProgress })).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining(join(near, 'source')),
    });
    expect(await readdir(far)).toEqual([]);
  });
});

describe('a server that refuses', () => {
  test.each([
    ['by a word', '550 x: Permission denied'],
    ['without saying why', '550 Failed to open file.'],
  ])('a file that is there (%s) is ACCESS_DENIED', async (_, reply) => {
    await writeFile(join(far, 'data'), 'x');
    play(({ name }) => (name === 'RETR' ? { reply } : undefined));
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      class: 'usage',
      message: expect.stringContaining('read ftp://127.0.0.1'),
    });
    expect(await readdir(near)).toEqual([]);
  });

  test.each(['No such file or directory.', 'Failed.'])('one that is not (%s) is NOT_FOUND', async (missing) => {
    behave({ missing });
    await expect(stageIn('data')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await staging.identity(fileAt('data'))).toBeUndefined();
  });

  test('a folder is told of as one', async () => {
    await mkdir(join(far, 'folder'));
    await expect(stageIn('folder')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('folder'),
    });
    await expect(staging.identity(fileAt('folder'))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  test.each([
    ['to take a file', 'STOR', '553 Could not create file.', 'ACCESS_DENIED'],
    ['more bytes than it has room for', 'STOR', '452 Insufficient storage space.', 'TRANSFER_FAILED'],
    ['a name', 'RNTO', '553 Permission denied.', 'ACCESS_DENIED'],
    ['a name and does not say why', 'RNTO', '550 Rename failed.', 'ACCESS_DENIED'],
  ])('%s leaves nothing there', async (_, name, reply, code) => {
    play((command) => (command.name === name ? { reply } : undefined));
    await expect(stageOut('data', 'x')).rejects.toMatchObject({ code, message: expect.stringContaining(reply) });
    expect(await readdir(far)).toEqual([]);
  });

  test('to store in a folder that another upload has just made is no failure', async () => {
    let refusals = 0;
    play(({ name }) => {
      if (name !== 'STOR' || refusals > 0) return undefined;
      refusals += 1;
      mkdirSync(join(far, 'new'));
      return { reply: '553 Could not create file.' };
    });
    await stageOut('new/data', 'x');
    expect(await readFile(join(far, 'new/data'), 'utf8')).toBe('x');
    expect(refusals).toBe(1);
  });

  test('to make a folder says which', async () => {
    play(({ name }) => (name === 'MKD' ? { reply: '550 Create directory operation failed.' } : undefined));
    await expect(stageOut('deep/data', 'x')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('cannot create the folder deep'),
    });
  });

  test('to replace a file by a rename has it replaced in steps', async () => {
    behave({ replaces: false });
    await stageOut('data', 'one');
    await stageOut('data', 'two');
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('two');
    expect(await readdir(far)).toEqual(['data']);
  });

  test('the last of these steps keeps the old file', async () => {
    behave({ replaces: false });
    await stageOut('data', 'one');
    at('RNTO', 4, { reply: '553 No.' });
    await expect(stageOut('data', 'two')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('one');
    expect(await readdir(far)).toEqual(['data']);
  });

  test('to remove or list is told', async () => {
    await writeFile(join(far, 'data'), 'x');
    play(({ name }) => (/^(DELE|MLSD|LIST)$/.test(name) ? { reply: '550 Permission denied.' } : undefined));
    await expect(staging.remove?.([fileAt('data')], signal)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(list('')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(list('missing/')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('more connections gets no more than it takes', async () => {
    behave({ connections: 2 });
    const names = Array.from({ length: 12 }, (_, index) => `f${index}`);
    for (const name of names) await writeFile(join(far, name), name);
    const paths = names.map((name) => staging.stageIn(fileAt(name), { suggestedPath: join(near, name), signal }));
    expect(await Promise.all((await Promise.all(paths)).map((path) => readFile(path, 'utf8')))).toEqual(names);
    expect(server.logins).toBe(2);
  });

  test('TLS is told of as one', async () => {
    const secure = new DataFile(`ftps://127.0.0.1:${server.port}/data`);
    await expect(staging.identity(secure)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('502'),
    });
  });
});

describe('what is not a file', () => {
  test('is not replaced', async () => {
    await mkdir(join(far, 'folder'));
    await expect(stageOut('folder', 'x')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('a folder has that name'),
    });
    expect(await readdir(far)).toEqual(['folder']);
  });

  test('does not become a folder', async () => {
    await writeFile(join(far, 'plain'), '');
    await expect(stageOut('plain/below/data', 'x')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/the folder plain: a file has that name/),
    });
  });
});

describe('a listing', () => {
  beforeEach(async () => {
    await mkdir(join(far, 'below/deeper'), { recursive: true });
    for (const name of ['a b.txt', 'below/b.txt', 'below/deeper/ c.txt']) await writeFile(join(far, name), name);
    await writeFile(join(far, '.01234567-89ab-cdef-0123-456789abcdef.part'), 'half');
    await symlink('below/b.txt', join(far, 'link'));
    await symlink('below', join(far, 'folder-link'));
    await symlink('nowhere', join(far, 'broken'));
  });

  test.each([true, false])('has the files at any depth, and links to files (for machines: %s)', async (mlsd) => {
    behave({ mlsd });
    expect(await list('')).toEqual(['a b.txt', 'below/b.txt', 'below/deeper/ c.txt', 'link']);
    expect(await list('below/')).toEqual(['b.txt', 'deeper/ c.txt']);
  });

  test('for machines asks nothing more of plain files', async () => {
    await rm(join(far, 'link'));
    await rm(join(far, 'folder-link'));
    await rm(join(far, 'broken'));
    await list('');
    expect(server.count('SIZE')).toBe(0);
  });
});

describe('connections', () => {
  test('are kept for the next file, and closed when nobody has used them for a while', async () => {
    const patient = stagingWith({ idleMs: 200 });
    for (let n = 0; n < 5; n++) await patient.identity(fileAt('none'));
    expect(server.logins).toBe(1);
    await expect.poll(() => server.open(), { timeout: 5_000 }).toBe(0);
    await patient.identity(fileAt('none'));
    expect(server.logins).toBe(2);
  });

  test('that the server closed meanwhile are made again', async () => {
    await staging.identity(fileAt('none'));
    server.cutAll();
    expect(await staging.identity(fileAt('none'))).toBeUndefined();
    expect(server.logins).toBe(2);
  });

  test('end when the staging is closed, and with them what is under way', async () => {
    await writeFile(join(far, 'data'), 'x');
    play(({ name }) => (name === 'RETR' ? 'silence' : undefined));
    const waiting = expect(stageIn('data')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    await expect.poll(() => server.count('RETR')).toBe(1);
    await staging.close();
    await waiting;
    await expect(staging.identity(fileAt('data'))).rejects.toThrow('closed by this process');
    await expect.poll(() => server.open()).toBe(0);
  });
});

describe('an abort', () => {
  test('while a file comes closes the connection, and nothing is left', async () => {
    await writeFile(join(far, 'data'), randomBytes(60 * MEBIBYTE));
    const stop = new AbortController();
    const onProgress = onceAfter(MEBIBYTE, () => stop.abort(new Error('not wanted')));
    await expect(stageIn('data', { signal: stop.signal, onProgress })).rejects.toThrow('not wanted');
    expect(await readdir(near)).toEqual([]);
    await expect.poll(() => server.open()).toBe(0);
  });

  test('while a file goes out removes what has arrived', async () => {
    const stop = new AbortController();
    const onProgress = onceAfter(MEBIBYTE, () => stop.abort(new Error('not wanted')));
    const stopped = stageOut('data', randomBytes(60 * MEBIBYTE), { signal: stop.signal, onProgress });
    await expect(stopped).rejects.toThrow('not wanted');
    expect(await readdir(far)).toEqual([]);
  });

  test.each(['USER', 'EPSV', 'RETR'])('ends what waits for an answer to %s', async (silent) => {
    await writeFile(join(far, 'data'), 'x');
    play(({ name }) => (name === silent ? 'silence' : undefined));
    const stop = new AbortController();
    const waiting = expect(stageIn('data', { signal: stop.signal })).rejects.toThrow('not wanted');
    await expect.poll(() => server.count(silent)).toBe(1);
    stop.abort(new Error('not wanted'));
    await waiting;
    expect(await readdir(near)).toEqual([]);
  });
});

test('a full disk here is told, and nothing is left on it', async () => {
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
    expect(server.count('RETR')).toBe(1);
  } finally {
    await disk.close();
  }
});

test('paths of 4,000 characters are reached, and none leaves the folder of its name', async () => {
  const name = Array.from({ length: 15 }, () => 'ü'.repeat(120)).join('/');
  await stageOut(name, 'far below');
  expect(await readFile(await stageIn(name), 'utf8')).toBe('far below');
});

test('a server that tells no times has files without an identity', async () => {
  behave({ mdtm: false });
  expect(await stageOut('data', 'text')).toEqual({ tag: '', size: 4 });
  expect(await readFile(await stageIn('data'), 'utf8')).toBe('text');
});

test('apps read and write files of a server, and wait for them; no password is written down', async () => {
  behave({ user: 'alice', password: 'open-sesame' });
  vi.stubEnv('SLUICE_FTP_OPTIONS', JSON.stringify({ netrcFile: false }));
  const written = await runAppsOver({
    urlOf: (name) => fileAt(name, 'alice:open-sesame@').url,
    async write(name, text) {
      await mkdir(dirname(join(far, name)), { recursive: true });
      await writeFile(join(far, name), text);
    },
    read: (name) => readFile(join(far, name), 'utf8'),
  });
  expect(written).not.toContain('open-sesame');
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
