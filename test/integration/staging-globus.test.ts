import { randomBytes, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createGlobusStaging } from '../../src/data/globus/globus-staging.js';
import type { GlobusStagingOptions } from '../../src/data/globus/globus-staging-options.js';
import type { Staging } from '../../src/data/staging.js';
import {
  type GlobusFault,
  type GlobusManners,
  type PlayedTask,
  ScriptedGlobus,
} from '../fixtures/globus/scripted-globus.js';
import { runAppsOver } from './staging-apps.js';

const { signal } = new AbortController();
setMaxListeners(0, signal);
const REMOTE = randomUUID();
const MINE = randomUUID();

let far: string;
/** The worker's own folder that Globus sees, and one that it does not see. */
let own: string;
let near: string;
let globus: ScriptedGlobus;
let staging: Staging;
const made: Staging[] = [];
beforeEach(async () => {
  [far, own, near] = (await Promise.all(
    ['far', 'own', 'near'].map((kind) => mkdtemp(join(tmpdir(), `sluice-globus-${kind}-`))),
  )) as [string, string, string];
  globus = await ScriptedGlobus.start({ [REMOTE]: far, [MINE]: own });
  for (const [key, value] of Object.entries(globus.environment)) vi.stubEnv(key, value);
  staging = stagingWith();
});
afterEach(async () => {
  await Promise.all(made.splice(0).map((one) => one.close()));
  vi.unstubAllEnvs();
  await globus.close();
  for (const folder of [far, own, near]) await rm(folder, { recursive: true, force: true });
});

const OPTIONS: GlobusStagingOptions = {
  endpointId: MINE,
  endpointPath: '/',
  accessToken: 'valid-token',
  pollMs: 5,
  gatherMs: 20,
};

function stagingWith(options: GlobusStagingOptions = {}): Staging {
  const one = createGlobusStaging({ ...OPTIONS, localPath: own, ...options });
  made.push(one);
  return one;
}
const behave = (manners: Partial<GlobusManners>) => {
  globus.manners = { ...globus.manners, ...manners };
};
/** Plays a fault at the nth request of a kind. */
const at = (kind: string, nth: number, fault: GlobusFault) =>
  behave({ fault: (request) => (request.kind === kind && request.nth === nth ? fault : undefined) });
/** Lets transfers be as a test says; removals are done. */
const perform = (play: (task: PlayedTask, really: () => Promise<void>) => Promise<void>) =>
  behave({ perform: (task, really) => (task.type === 'DELETE' ? really() : play(task, really)) });

const fileAt = (name: string) =>
  new DataFile(`globus://${REMOTE}/${name.split('/').map(encodeURIComponent).join('/')}`);
const stageIn = (name: string, options: { signal?: AbortSignal; onProgress?: (bytes: number) => void } = {}) =>
  staging.stageIn(fileAt(name), { suggestedPath: join(near, 'copy'), signal, ...options });
async function stageOut(name: string, content: string | Buffer, options: { signal?: AbortSignal } = {}) {
  const path = join(near, 'source');
  await writeFile(path, content);
  return staging.stageOut(fileAt(name), { path, signal, ...options });
}
/** What is left of transfers in the worker's folder. */
const leftHere = async () => (await readdir(own, { recursive: true })).filter((name) => name.endsWith('.part'));
const transfers = () => globus.tasks.filter(({ type }) => type === 'TRANSFER');

describe('a transfer', () => {
  test('passes through the folder that both see, and leaves nothing there', async () => {
    const content = randomBytes(100_000);
    await stageOut('deep/er/data', content);
    expect((await readFile(join(far, 'deep/er/data'))).equals(content)).toBe(true);
    expect((await readFile(await stageIn('deep/er/data'))).equals(content)).toBe(true);
    expect(await leftHere()).toEqual([]);
    expect(await readdir(join(far, 'deep/er'))).toEqual(['data']);
  });

  test('of a file that lies in this folder takes it from where it is', async () => {
    await mkdir(join(own, 'results'));
    const path = join(own, 'results', 'a b.txt');
    await writeFile(path, 'text');
    await staging.stageOut(fileAt('data'), { path, signal });
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('text');
    expect(transfers().map(({ items }) => items[0]?.from)).toEqual([path]);
    expect(await readFile(path, 'utf8')).toBe('text');
  });

  test('verifies checksums, and tells Globus when to give up', async () => {
    const begun = Date.now();
    await stagingWith({ deadlineMs: 3_600_000 }).stageOut(fileAt('data'), await source('x'));
    const deadline = Date.parse(transfers()[0]?.deadline ?? '') - begun;
    expect(deadline).toBeGreaterThan(3_590_000);
    expect(deadline).toBeLessThan(3_660_000);
    expect(globus.submissions.at(0)).toMatchObject({
      verify_checksum: true,
      encrypt_data: false,
      notify_on_failed: false,
    });
  });

  test('of many files at about the same time is one task', async () => {
    const names = Array.from({ length: 25 }, (_, index) => `f${index}`);
    for (const name of names) await writeFile(join(far, name), name);
    const patient = stagingWith({ gatherMs: 1_500 });
    const paths = await Promise.all(
      names.map((name) => patient.stageIn(fileAt(name), { suggestedPath: join(near, name), signal })),
    );
    expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(names);
    expect(transfers()).toHaveLength(1);
  });

  test('of many files of which one fails brings the others', async () => {
    const names = ['a', 'b', 'c'];
    for (const name of names) await writeFile(join(far, name), name);
    perform(async (task, really) => {
      if (task.items.some(({ from }) => from.endsWith('/b'))) {
        task.nice = 'PERMISSION_DENIED';
        task.faults = 1;
      } else await really();
    });
    const results = await Promise.allSettled(
      names.map((name) => staging.stageIn(fileAt(name), { suggestedPath: join(near, name), signal })),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({
      reason: { code: 'ACCESS_DENIED', message: expect.stringMatching(/read globus:.*\/b:/) },
    });
  });
});

describe('a request whose answer is lost', () => {
  test('to submit a task submits it once', async () => {
    at('POST /transfer', 1, 'lost');
    await stageOut('data', 'text');
    expect(globus.count('POST /transfer')).toBe(2);
    expect(transfers()).toHaveLength(1);
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('text');
  });

  test.each(['GET /submission_id', 'GET /task', 'GET /stat', 'GET /ls', 'POST /mkdir', 'POST /rename'])(
    'to %s is asked again, and the file is there once',
    async (kind) => {
      at(kind, 1, 'lost');
      await stageOut('deep/data', 'text');
      expect(await readFile(join(far, 'deep/data'), 'utf8')).toBe('text');
      expect(await readdir(join(far, 'deep'))).toEqual(['data']);
      expect(globus.count(kind)).toBeGreaterThan(1);
    },
  );

  test('again and again ends with an error that says so', async () => {
    behave({ fault: ({ kind }) => (kind === 'GET /stat' ? 'cut' : undefined) });
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      class: 'infrastructure',
      message: expect.stringContaining(`look at globus://${REMOTE}/data: no answer from Globus`),
    });
    expect(globus.count('GET /stat')).toBe(6);
  });
});

describe('a refusal', () => {
  test.each([
    [500, { code: 'InternalError', message: 'oops' }],
    [503, { code: 'ServiceUnavailable', message: 'maintenance' }],
    [429, { code: 'TooManyRequests', message: 'slow down' }],
    [409, { code: 'GCDisconnectedException', message: 'not connected' }],
    [502, { code: 'EndpointError', message: 'the collection answers strangely' }],
    [502, 'no JSON at all'],
  ])('%i %o may pass, and is asked again', async (status, body) => {
    await writeFile(join(far, 'data'), 'text');
    at('GET /stat', 1, { status, body });
    expect(await readFile(await stageIn('data'), 'utf8')).toBe('text');
  });

  test.each([
    [404, 'ClientError.NotFound', 'NOT_FOUND'],
    [404, 'EndpointNotFound', 'NOT_FOUND'],
    [403, 'PermissionDenied', 'ACCESS_DENIED'],
    [502, 'ExternalError.DirListingFailed.PermissionDenied', 'ACCESS_DENIED'],
    [502, 'ExternalError.DirListingFailed.LoginFailed', 'ACCESS_DENIED'],
    [400, 'ClientError.BadRequest', 'INVALID_OPTIONS'],
  ])('%i %s is %s', async (status, code, expected) => {
    behave({
      fault: ({ kind }) => (kind === 'GET /stat' ? { status, body: { code, message: 'so it is' } } : undefined),
    });
    await expect(stageIn('data')).rejects.toMatchObject({
      code: expected,
      class: 'usage',
      message: expect.stringMatching(/cannot look at globus:.*so it is/),
    });
    expect(globus.count('GET /stat')).toBe(1);
  });

  const SCOPE = `urn:globus:auth:scope:transfer.api.globus.org:all[*https://auth.globus.org/scopes/${REMOTE}/data_access]`;
  test.each([
    [403, { code: 'ConsentRequired', message: 'Missing required data_access consent', required_scopes: [SCOPE] }],
    [401, { code: 'ConsentRequired', authorization_parameters: { required_scopes: [SCOPE] } }],
  ])('for want of a consent (%i) says which, and is not mistaken for a token that has ended', async (status, body) => {
    behave({ fault: ({ kind }) => (kind === 'GET /stat' ? { status, body } : undefined) });
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(SCOPE),
    });
    expect(globus.count('GET /stat')).toBe(1);
  });
});

describe('a task', () => {
  test.each([
    ['FILE_NOT_FOUND', 'NOT_FOUND'],
    ['PERMISSION_DENIED', 'ACCESS_DENIED'],
    ['NO_SPACE_LEFT', 'TRANSFER_FAILED'],
    ['QUOTA_EXCEEDED', 'TRANSFER_FAILED'],
    ['IS_A_DIRECTORY', 'INVALID_OPTIONS'],
  ])('that has met %s is cancelled, since patience does not mend that', async (nice, code) => {
    await writeFile(join(far, 'data'), 'text');
    perform(async (task) => {
      task.nice = nice;
      task.faults = 3;
    });
    await expect(stageIn('data')).rejects.toMatchObject({ code, message: expect.stringContaining(`${nice} 3 times`) });
    expect(globus.tasks.map(({ status }) => status)).toEqual(['FAILED']);
    expect(await leftHere()).toEqual([]);
  });

  test.each(['CONNECT_FAILED', 'GC_NOT_CONNECTED', 'ENDPOINT_TOO_BUSY', 'VERIFY_CHECKSUM', 'Queued'])(
    'that has met %s goes on, and succeeds',
    async (nice) => {
      await writeFile(join(far, 'data'), 'text');
      perform(async (task, really) => {
        task.nice = nice;
        task.faults = 2;
        await vi.waitUntil(() => globus.count('GET /task') > 3);
        task.nice = 'OK';
        await really();
      });
      expect(await readFile(await stageIn('data'), 'utf8')).toBe('text');
    },
  );

  test('that fails says what ended it, and nothing is left there', async () => {
    perform(async (task, really) => {
      await really();
      task.status = 'FAILED';
      task.fatal = { code: 'EXPIRED', description: 'the deadline has passed' };
    });
    await expect(stageOut('data', 'text')).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('EXPIRED: the deadline has passed'),
    });
    expect(await readdir(far)).toEqual([]);
    expect(await leftHere()).toEqual([]);
  });

  test('that is suspended says that one has to log in', async () => {
    await writeFile(join(far, 'data'), 'text');
    perform(async (task) => {
      task.status = 'INACTIVE';
    });
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining('log in again'),
    });
  });

  test('that takes too long is cancelled, and the error says in which state', async () => {
    await writeFile(join(far, 'data'), 'text');
    perform(async (task) => {
      task.isPaused = true;
    });
    const hasty = stagingWith({ deadlineMs: 150 });
    await expect(hasty.stageIn(fileAt('data'), { suggestedPath: join(near, 'copy'), signal })).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/not done within 150 ms.*paused by the administrator/),
    });
    expect(globus.tasks.map(({ status }) => status)).toEqual(['FAILED']);
  });
});

describe('an abort', () => {
  test.each(['in', 'out'])(
    'of a file that goes %s cancels its task, and what has arrived is removed',
    async (direction) => {
      await writeFile(join(far, 'data'), 'text');
      const stop = new AbortController();
      perform(async (task) => {
        for (const { to } of task.items) await writeFile(to, 'half');
        stop.abort(new Error('not wanted'));
      });
      const options = { signal: stop.signal };
      const stopped = direction === 'in' ? stageIn('data', options) : stageOut('new', 'text', options);
      await expect(stopped).rejects.toThrow('not wanted');
      // Once the task has ended, and nothing is written any more.
      await expect.poll(leftHere, { timeout: 10_000 }).toEqual([]);
      await expect.poll(() => readdir(far), { timeout: 10_000 }).toEqual(['data']);
      await expect.poll(() => transfers().map(({ status }) => status), { timeout: 10_000 }).toEqual(['FAILED']);
      expect(await readdir(near)).toEqual(direction === 'in' ? [] : ['source']);
    },
  );

  test('of one of several files lets the others come', async () => {
    for (const name of ['a', 'b']) await writeFile(join(far, name), name);
    const stop = new AbortController();
    perform(async (_, really) => {
      stop.abort(new Error('not wanted'));
      await really();
    });
    const patient = stagingWith({ gatherMs: 1_500 });
    const target = (name: string, one: AbortSignal) => ({ suggestedPath: join(near, name), signal: one });
    const [unwanted, wanted] = [
      patient.stageIn(fileAt('a'), target('a', stop.signal)),
      patient.stageIn(fileAt('b'), target('b', signal)),
    ];
    await expect(unwanted).rejects.toThrow('not wanted');
    expect(await readFile(await wanted, 'utf8')).toBe('b');
    await expect.poll(leftHere).toEqual([]);
    expect(transfers()).toHaveLength(1);
  });

  test('ends what waits for an answer', async () => {
    behave({ fault: ({ kind }) => (kind === 'GET /stat' ? 'silence' : undefined) });
    const stop = new AbortController();
    const waiting = expect(stageIn('data', { signal: stop.signal })).rejects.toThrow('not wanted');
    await expect.poll(() => globus.count('GET /stat')).toBe(1);
    stop.abort(new Error('not wanted'));
    await waiting;
  });

  test('by closing cancels what is under way', async () => {
    await writeFile(join(far, 'data'), 'text');
    perform(async () => undefined);
    const closed = expect(stageIn('data')).rejects.toThrow('closed by this process');
    await expect.poll(() => globus.count('GET /task')).toBeGreaterThan(0);
    await staging.close();
    await closed;
    expect(globus.tasks.map(({ status }) => status)).toEqual(['FAILED']);
  });
});

describe('a file', () => {
  test('that changes while it comes is told, and nothing is kept', async () => {
    await writeFile(join(far, 'data'), 'text');
    perform(async (_, really) => {
      await really();
      await utimes(join(far, 'data'), new Date(2001, 1), new Date(2001, 1));
    });
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('changed while it was being read'),
    });
    expect([...(await leftHere()), ...(await readdir(near))]).toEqual([]);
  });

  test.each(['in', 'out'])('of which less arrives (%s) is told, and nothing is kept', async (direction) => {
    await writeFile(join(far, 'data'), 'text');
    perform(async (task) => {
      for (const { to } of task.items) await writeFile(to, 'te');
      task.status = 'SUCCEEDED';
    });
    const moved = direction === 'in' ? stageIn('data') : stageOut('new', 'text');
    await expect(moved).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('2 bytes arrived of 4'),
    });
    expect(await leftHere()).toEqual([]);
    expect(await readdir(far)).toEqual(['data']);
  });

  test('that Globus brings elsewhere than the worker looks says what may be wrong', async () => {
    await writeFile(join(far, 'data'), 'text');
    const elsewhere = stagingWith({ localPath: near });
    await mkdir(join(own, '.sluice-transfers'));
    await expect(
      elsewhere.stageIn(fileAt('data'), { suggestedPath: join(near, 'copy'), signal }),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/endpointPath and localPath/),
    });
  });

  test('keeps its old content when the new one cannot have its name', async () => {
    behave({ rename: 'refuses' });
    await stageOut('data', 'one');
    const renames = globus.count('POST /rename');
    behave({
      fault: ({ kind, nth }) =>
        // The first is refused since the name is taken, the second lets the old file step aside.
        kind === 'POST /rename' && nth === renames + 3
          ? { status: 403, body: { code: 'PermissionDenied', message: 'no' } }
          : undefined,
    });
    await expect(stageOut('data', 'two')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('one');
    expect(await readdir(far)).toEqual(['data']);
  });

  test('in the place of a folder, and a folder in its place, are told', async () => {
    await mkdir(join(far, 'folder', 'full'), { recursive: true });
    await writeFile(join(far, 'plain'), '');
    await expect(stageIn('folder')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(stageOut('folder', 'x')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('a folder has that name'),
    });
    await expect(stageOut('plain/below', 'x')).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect((await readdir(far)).sort()).toEqual(['folder', 'plain']);
  });
});

test('long folders are listed page by page, and what is being written, links to nothing and others are left out', async () => {
  behave({ pageEntries: 3 });
  await mkdir(join(far, 'below'));
  const names = [...Array.from({ length: 7 }, (_, index) => `f${index}`), 'below/ g h'];
  for (const name of names) await writeFile(join(far, name), name);
  await writeFile(join(far, '.01234567-89ab-cdef-0123-456789abcdef.part'), 'half');
  await symlink('nowhere', join(far, 'broken'));
  const found: string[] = [];
  for await (const { file } of staging.list?.(fileAt(''), signal) ?? []) found.push(file.url);
  expect(found.sort()).toEqual(names.map((name) => fileAt(name).url).sort());
  expect(globus.count('GET /ls')).toBeGreaterThan(3);
});

describe('the login', () => {
  const tokenFile = () => join(near, 'tokens', 'globus.json');
  async function logIn(accessToken: string, expiresInMs: number): Promise<Staging> {
    await mkdir(dirname(tokenFile()), { recursive: true });
    const tokens = { clientId: 'app', accessToken, refreshToken: 'refresh-token', expiresAt: Date.now() + expiresInMs };
    await writeFile(tokenFile(), JSON.stringify(tokens), { mode: 0o600 });
    const { accessToken: _, ...options } = OPTIONS;
    const one = createGlobusStaging({ ...options, localPath: own, tokenFile: tokenFile() });
    made.push(one);
    return one;
  }

  test('of the token file is used, refreshed when it ends, and noted', async () => {
    await writeFile(join(far, 'data'), 'text');
    const patient = await logIn('ended', 1_000);
    expect(await patient.identity(fileAt('data'))).toMatchObject({ size: 4 });
    expect(globus.count('POST /token')).toBe(1);
    const noted = JSON.parse(await readFile(tokenFile(), 'utf8')) as { accessToken: string; expiresAt: number };
    expect(globus.accessTokens.has(noted.accessToken)).toBe(true);
    expect(noted.expiresAt).toBeGreaterThan(Date.now() + 172_000_000);
  });

  test('is refreshed when Globus does not take it before its time', async () => {
    await writeFile(join(far, 'data'), 'text');
    const revoked = await logIn('revoked', 3_600_000);
    expect(await revoked.identity(fileAt('data'))).toMatchObject({ size: 4 });
    expect(globus.count('GET /stat')).toBe(2);
  });

  test('that has ended for good is told, and no token is shown', async () => {
    globus.refreshTokens.clear();
    const ended = await logIn('ended-secret', 0);
    const error = await ended.identity(fileAt('data')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringContaining('log in again') });
    expect(inspect(error, { depth: 9 })).not.toMatch(/ended-secret|refresh-token/);
  });

  test('by a token that is not taken is told, and it is not shown', async () => {
    const error = await stagingWith({ accessToken: 'wrong-secret' })
      .identity(fileAt('data'))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(inspect(error, { depth: 9 })).not.toContain('wrong-secret');
  });

  test('whose file others may read is refused', async () => {
    const careless = await logIn('valid-token', 3_600_000);
    await chmod(tokenFile(), 0o640);
    await expect(careless.identity(fileAt('data'))).rejects.toThrow('chmod 600');
  });
});

test('apps read and write files of a collection, and wait for them; no token is written down', async () => {
  const options = { ...OPTIONS, localPath: own };
  vi.stubEnv('SLUICE_GLOBUS_OPTIONS', JSON.stringify(options));
  const written = await runAppsOver({
    urlOf: (name) => fileAt(name).url,
    async write(name, text) {
      await mkdir(dirname(join(far, name)), { recursive: true });
      await writeFile(join(far, name), text);
    },
    read: (name) => readFile(join(far, name), 'utf8'),
  });
  expect(written).not.toContain('valid-token');
});

async function source(content: string): Promise<{ path: string; signal: AbortSignal }> {
  const path = join(near, 'source');
  await writeFile(path, content);
  return { path, signal };
}
