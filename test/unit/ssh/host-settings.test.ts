import { writeFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hostSettings } from '../../../src/ssh/host-settings.js';
import type { SshAddress } from '../../../src/ssh/ssh-address.js';
import { resolveSshOptions, type SshOptions } from '../../../src/ssh/ssh-options.js';
import { temporaryFolder } from '../data/temporary-folder.js';

afterEach(() => vi.unstubAllEnvs());

async function settingsFor(address: SshAddress, text: string, options: SshOptions = {}) {
  const configFile = join(await temporaryFolder(), 'config');
  await writeFile(configFile, text);
  return hostSettings(address, resolveSshOptions({ configFile, ...options }));
}

test('an address alone is taken as it is, with the defaults of ssh', async () => {
  expect(await settingsFor({ host: 'Host' }, '')).toMatchObject({
    name: `ssh://${userInfo().username}@Host:22`,
    host: 'Host',
    port: 22,
    user: userInfo().username,
    knownAs: 'host',
    acceptNew: false,
    identitiesNamed: false,
    identitiesOnly: false,
    jumps: [],
    connectTimeoutMs: 20_000,
  });
});

const CONFIG = `
Host short
  HostName %h.example.org
  Port 2222
  User alice
  IdentityFile %d/keys/%r@%h
  IdentitiesOnly yes
  UserKnownHostsFile ~/known /more/known
  GlobalKnownHostsFile none
  ConnectTimeout 3
  StrictHostKeyChecking accept-new
`;

test('the configuration says how a name is reached', async () => {
  expect(await settingsFor({ host: 'short' }, CONFIG)).toMatchObject({
    name: 'ssh://alice@short:2222',
    host: 'short.example.org',
    port: 2222,
    user: 'alice',
    knownAs: '[short.example.org]:2222',
    knownHostsFiles: [join(homedir(), 'known'), '/more/known'],
    acceptNew: true,
    identityFiles: [join(homedir(), 'keys/alice@short.example.org')],
    identitiesNamed: true,
    identitiesOnly: true,
    connectTimeoutMs: 3_000,
  });
});

test('the address goes before the configuration, and options go before both', async () => {
  const options: SshOptions = {
    identityFiles: ['/key'],
    knownHostsFiles: ['/known'],
    hostKeys: 'strict',
    connectTimeoutMs: 5,
  };
  expect(await settingsFor({ host: 'short', user: 'bob', port: 22 }, CONFIG, options)).toMatchObject({
    name: 'ssh://bob@short:22',
    knownAs: 'short.example.org',
    identityFiles: ['/key'],
    knownHostsFiles: ['/known'],
    acceptNew: false,
    connectTimeoutMs: 5,
  });
});

test('the file of the environment is read where no option names one, and none where it is false', async () => {
  const path = join(await temporaryFolder(), 'config');
  await writeFile(path, 'User carol\n');
  vi.stubEnv('SLUICE_SSH_CONFIG', path);
  expect(await hostSettings({ host: 'a' }, resolveSshOptions({}))).toMatchObject({ user: 'carol' });
  const without = await hostSettings({ host: 'a' }, resolveSshOptions({ configFile: false }));
  expect(without.user).toBe(userInfo().username);
});

test('an alias is the name under which the key of the host is known, without a port', async () => {
  expect(await settingsFor({ host: 'a', port: 2222 }, 'HostKeyAlias Cluster\n')).toMatchObject({ knownAs: 'cluster' });
});

test.each(['yes', 'ask', 'off-and-on'])('StrictHostKeyChecking %s refuses hosts that are not known', async (value) => {
  expect(await settingsFor({ host: 'a' }, `StrictHostKeyChecking ${value}\n`)).toMatchObject({ acceptNew: false });
});

describe('the way to a host', () => {
  test('leads over the hosts of ProxyJump, the nearest first', async () => {
    const { jumps } = await settingsFor({ host: 'a' }, 'ProxyJump me@one:2222,two\n');
    expect(jumps).toEqual([{ host: 'one', user: 'me', port: 2222 }, { host: 'two' }]);
  });

  test('is direct where ProxyJump is none, whatever comes later', async () => {
    const { jumps } = await settingsFor({ host: 'a' }, 'Host a\n  ProxyJump none\nHost *\n  ProxyJump one\n');
    expect(jumps).toEqual([]);
  });

  test('is not found by commands: that is said, and not passed over', async () => {
    await expect(settingsFor({ host: 'a' }, 'ProxyCommand nc %h %p\n')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('ProxyJump'),
    });
    expect(await settingsFor({ host: 'a' }, 'ProxyCommand none\n')).toMatchObject({ jumps: [] });
  });
});

describe('the agent', () => {
  test.each([
    ['is that of the environment', '', undefined, '/from/environment'],
    ['may be named by the configuration', 'IdentityAgent ~/agent\n', undefined, join(homedir(), 'agent')],
    ['may be named by a variable', 'IdentityAgent $OTHER_AGENT\n', undefined, '/other'],
    ['may be that of the environment by name', 'IdentityAgent SSH_AUTH_SOCK\n', undefined, '/from/environment'],
    ['is not asked where the configuration says none', 'IdentityAgent none\n', undefined, undefined],
    ['is not asked where the options say so', 'IdentityAgent /x\n', false, undefined],
    ['of the options goes before all', 'IdentityAgent none\n', '/mine', '/mine'],
  ] as const)('%s', async (_, text, agent, expected) => {
    vi.stubEnv('SSH_AUTH_SOCK', '/from/environment');
    vi.stubEnv('OTHER_AGENT', '/other');
    const settings = await settingsFor({ host: 'a' }, text, agent === undefined ? {} : { agent });
    expect(settings.agent).toBe(expected);
  });
});

test('default keys that are not there are not tried; named ones are, so that their absence is told', async () => {
  const { identityFiles } = await settingsFor({ host: 'a' }, 'IdentityFile /nonexistent/key\n');
  expect(identityFiles).toEqual(['/nonexistent/key']);
  const defaults = await settingsFor({ host: 'a' }, '');
  expect(defaults.identityFiles.every((path) => path.startsWith(join(homedir(), '.ssh')))).toBe(true);
});

test('options that do not exist or do not fit are refused, each by name, and no secret is shown', () => {
  const options = { user: 'x', channels: 0, password: 7, hostKeys: 'never' } as unknown as SshOptions;
  expect(() => resolveSshOptions(options)).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/(?=.*user)(?=.*channels)(?=.*password)(?=.*hostKeys)/s),
    }),
  );
});
