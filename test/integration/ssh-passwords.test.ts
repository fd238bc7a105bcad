import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { AuthContext } from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSshConnections, type SshConnections } from '../../src/ssh/ssh-connections.js';
import type { SshOptions } from '../../src/ssh/ssh-options.js';
import { startScriptedSshServer } from '../fixtures/ssh/scripted-ssh-server.js';

const hostKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });

let folder: string;
const undo: (() => Promise<void>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-ssh-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A connection to a server that lets in who answers as it wants; what it asked for and got is noted. */
async function connectionTo(authenticate: (context: AuthContext) => void, options: SshOptions) {
  const server = await startScriptedSshServer({ hostKey: hostKey as string, authenticate });
  undo.push(() => server.close());
  const connections: SshConnections = createSshConnections({
    configFile: false,
    agent: false,
    identityFiles: [],
    knownHostsFiles: [join(folder, 'known_hosts')],
    hostKeys: 'accept-new',
    ...options,
  });
  undo.push(() => connections.close());
  return connections.to({ host: '127.0.0.1', port: server.port, user: 'alice' });
}

const byPassword = (context: AuthContext): void => {
  if (context.method === 'password' && context.password === 'open sesame') context.accept();
  else context.reject(['password']);
};

/** As sites with one-time codes ask. */
const byCode = (context: AuthContext): void => {
  if (context.method !== 'keyboard-interactive') {
    context.reject(['keyboard-interactive']);
    return;
  }
  const prompts = [
    { prompt: 'Password: ', echo: false },
    { prompt: 'Code: ', echo: true },
  ];
  context.prompt(prompts, (answers) => (answers.join() === 'open sesame,123456' ? context.accept() : context.reject()));
};

test('a password lets in where it is taken', async () => {
  const connection = await connectionTo(byPassword, { password: 'open sesame' });
  expect(await connection.withSftp(({ stat }) => stat('/'))).toMatchObject({ kind: 'folder' });
});

test('a function is asked for what the server prompts for, by name', async () => {
  const asked: unknown[] = [];
  const password: SshOptions['password'] = (request) => {
    asked.push(request);
    return Promise.resolve(request.prompt === 'Code: ' ? '123456' : 'open sesame');
  };
  const connection = await connectionTo(byCode, { password });
  await connection.withSftp(({ stat }) => stat('/'));
  const who = { user: 'alice', host: '127.0.0.1' };
  expect(asked).toEqual([
    { ...who, prompt: 'Password: ' },
    { ...who, prompt: 'Code: ' },
  ]);
});

test('a password that is wrong is told, and never shown', async () => {
  const connection = await connectionTo(byPassword, { password: 'wrong-secret' });
  const error = await connection.withSftp(({ stat }) => stat('/')).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringMatching(/the password.*server takes password/),
  });
  expect(inspect(error, { depth: 9 })).not.toContain('wrong-secret');
});

test('a function that fails ends the login with what it threw', async () => {
  const password = () => Promise.reject(new Error('the vault is sealed'));
  const connection = await connectionTo(byPassword, { password });
  await expect(connection.withSftp(({ stat }) => stat('/'))).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('the vault is sealed'),
  });
});

test('nobody is let in by nothing', async () => {
  const connection = await connectionTo(byPassword, {});
  await expect(connection.withSftp(({ stat }) => stat('/'))).rejects.toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringContaining('no key, no agent and no password'),
  });
});
