import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createSftpStaging } from '../../src/data/sftp/sftp-staging.js';
import type { Staging } from '../../src/data/staging.js';
import { type SftpFault, type SftpRequest, startScriptedSshServer } from '../fixtures/ssh/scripted-ssh-server.js';

const hostKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
const { signal } = new AbortController();
const FAILURE: SftpFault = { status: 4 };
const DENIED: SftpFault = { status: 3 };

let far: string;
let near: string;
let staging: Staging;
let port: number;
let logins: () => number;
let fault: (request: SftpRequest) => SftpFault;
const undo: (() => Promise<void>)[] = [];
beforeEach(async () => {
  far = await mkdtemp(join(tmpdir(), 'sluice-far-'));
  near = await mkdtemp(join(tmpdir(), 'sluice-near-'));
  fault = () => undefined;
  const server = await startScriptedSshServer({ hostKey: hostKey as string, fault: (request) => fault(request) });
  ({ port, logins } = server);
  staging = createSftpStaging({
    ssh: {
      configFile: false,
      agent: false,
      password: 'any',
      knownHostsFiles: [join(near, '.known_hosts')],
      hostKeys: 'accept-new',
    },
  });
  undo.push(server.close, staging.close);
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  for (const folder of [far, near]) await rm(folder, { recursive: true, force: true });
});

const fileAt = (name: string) => new DataFile(`sftp://127.0.0.1:${port}${far}/${name}`);
const stageIn = (name: string) => staging.stageIn(fileAt(name), { suggestedPath: join(near, name), signal });
const leftHere = async () => (await readdir(near)).filter((name) => !name.startsWith('.known'));
async function stageOut(name: string, content: string | Buffer) {
  const path = join(near, 'source');
  await writeFile(path, content);
  return staging.stageOut(fileAt(name), { path, signal });
}
/** Plays a fault at the nth request of a kind. */
const at = (kind: string, nth: number, played: SftpFault) => {
  fault = (request) => (request.kind === kind && request.nth === nth ? played : undefined);
};

describe('a server without a rename that replaces', () => {
  test('has a file replaced in steps, and nothing is left of them', async () => {
    await stageOut('data', 'one');
    await stageOut('data', 'two');
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('two');
    expect(await readdir(far)).toEqual(['data']);
  });

  test('keeps the old file when the new one cannot have its name', async () => {
    await stageOut('data', 'one');
    // The first is refused since the name is taken, the second lets the old file step aside, the third names the new one.
    at('RENAME', 4, DENIED);
    await expect(stageOut('data', 'two')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('one');
    expect(await readdir(far)).toEqual(['data']);
  });
});

describe('a connection that is cut instead of an answer', () => {
  test.each(['OPEN', 'WRITE', 'FSTAT', 'CLOSE', 'RENAME'])('to %s, the file is there once and whole', async (kind) => {
    at(kind, 1, 'cut');
    const content = randomBytes(300_000);
    await stageOut('data', content);
    expect((await readFile(join(far, 'data'))).equals(content)).toBe(true);
    expect(await readdir(far)).toEqual(['data']);
    expect(logins()).toBe(2);
  });

  test.each([2, 3])('at rename %i of those that replace a file, it is replaced', async (step) => {
    await stageOut('data', 'one');
    at('RENAME', step + 1, 'cut');
    await stageOut('data', 'two');
    expect(await readFile(join(far, 'data'), 'utf8')).toBe('two');
    expect(await readdir(far)).toEqual(['data']);
  });

  test.each(['OPEN', 'READ', 'FSTAT'])('to %s, what is read is right', async (kind) => {
    const content = randomBytes(300_000);
    await writeFile(join(far, 'data'), content);
    at(kind, 1, 'cut');
    expect((await readFile(await stageIn('data'))).equals(content)).toBe(true);
    expect(logins()).toBe(2);
  });

  test('to a request to remove, it is removed', async () => {
    await writeFile(join(far, 'data'), '');
    at('REMOVE', 1, 'cut');
    await staging.remove?.([fileAt('data')], signal);
    expect(await readdir(far)).toEqual([]);
  });
});

describe('a server that refuses', () => {
  test.each([
    ['to open a file', 'OPEN'],
    ['to read', 'READ'],
    ['to tell of a file', 'FSTAT'],
  ])('%s is ACCESS_DENIED, not NOT_FOUND, and nothing is kept', async (_, kind) => {
    await writeFile(join(far, 'data'), 'x');
    at(kind, 1, DENIED);
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      class: 'usage',
      message: expect.stringMatching(/127\.0\.0\.1.*permissions/),
    });
    expect(await leftHere()).toEqual([]);
  });

  test.each([
    ['a file', 'OPEN', DENIED, 'ACCESS_DENIED'],
    ['bytes', 'WRITE', DENIED, 'ACCESS_DENIED'],
    ['bytes and does not say why', 'WRITE', FAILURE, 'TRANSFER_FAILED'],
    ['to have kept it', 'CLOSE', FAILURE, 'TRANSFER_FAILED'],
    ['a name', 'RENAME', DENIED, 'ACCESS_DENIED'],
    ['a name and does not say why', 'RENAME', FAILURE, 'TRANSFER_FAILED'],
  ] as const)('%s leaves nothing there', async (_, kind, played, code) => {
    at(kind, 1, played);
    await expect(stageOut('data', randomBytes(200_000))).rejects.toMatchObject({ code });
    expect(await readdir(far)).toEqual([]);
  });

  test('a folder says which', async () => {
    at('MKDIR', 1, DENIED);
    await expect(stageOut('deep/data', 'x')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(`create the folder ${join(far, 'deep')}`),
    });
  });

  test('to list or remove is told', async () => {
    await mkdir(join(far, 'below'));
    await writeFile(join(far, 'data'), '');
    fault = ({ kind }) => (kind === 'OPENDIR' || kind === 'REMOVE' ? DENIED : undefined);
    const listing = async () => {
      for await (const _ of staging.list?.(new DataFile(`sftp://127.0.0.1:${port}${far}/`), signal) ?? []);
    };
    await expect(listing()).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await expect(staging.remove?.([fileAt('data')], signal)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  });
});

describe('a server that gives', () => {
  test('less than it is asked for is asked for the rest', async () => {
    const content = randomBytes(300_000);
    await writeFile(join(far, 'data'), content);
    fault = ({ kind, nth }) => (kind === 'READ' && nth % 2 === 1 ? { shorten: 20_000 } : undefined);
    expect((await readFile(await stageIn('data'))).equals(content)).toBe(true);
  });

  test('less than it said there is is told, and nothing is kept', async () => {
    await writeFile(join(far, 'data'), randomBytes(300_000));
    at('READ', 4, { status: 1 });
    await expect(stageIn('data')).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringContaining('ended early'),
    });
    expect(await leftHere()).toEqual([]);
  });
});

test('a server that has not kept what it took is found out by the length', async () => {
  fault = ({ kind }) => (kind === 'WRITE' ? 'lie' : undefined);
  await expect(stageOut('data', randomBytes(100_000))).rejects.toMatchObject({
    code: 'TRANSFER_FAILED',
    message: expect.stringContaining('0 bytes arrived of 100000'),
  });
  expect(await readdir(far)).toEqual([]);
});

test('a server that says nothing more is left at an abort', async () => {
  await writeFile(join(far, 'data'), randomBytes(300_000));
  const stop = new AbortController();
  fault = ({ kind }) => {
    if (kind !== 'READ') return undefined;
    setImmediate(() => stop.abort(new Error('not wanted')));
    return 'silence';
  };
  const target = { suggestedPath: join(near, 'data'), signal: stop.signal };
  await expect(staging.stageIn(fileAt('data'), target)).rejects.toThrow('not wanted');
  expect(await leftHere()).toEqual([]);
});
