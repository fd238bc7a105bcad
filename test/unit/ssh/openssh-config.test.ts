import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expandHome, readHostConfig } from '../../../src/ssh/openssh-config.js';
import { temporaryFolder } from '../data/temporary-folder.js';

/** The settings of a host from files of these texts; the first is the configuration. */
async function settingsOf(host: string, files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text.replaceAll('FOLDER', folder));
  }
  const [first = ''] = Object.keys(files);
  return Object.fromEntries(await readHostConfig(host, [join(folder, first)]));
}

test('the first value is the one, and keys add up', async () => {
  const text = `
# what holds for one host
Host login.example.org
  hostname = 10.0.0.1
  User "alice"
  IdentityFile ~/.ssh/first

Host *.example.org !secret.example.org
  HostName 10.0.0.2
  User bob
  Port 2222
  IdentityFile ~/.ssh/second
`;
  expect(await settingsOf('login.example.org', { config: text })).toEqual({
    hostname: ['10.0.0.1'],
    user: ['alice'],
    port: ['2222'],
    identityfile: ['~/.ssh/first', '~/.ssh/second'],
  });
  expect(await settingsOf('other.example.org', { config: text })).toMatchObject({ user: ['bob'] });
  expect(await settingsOf('secret.example.org', { config: text })).toEqual({});
  expect(await settingsOf('elsewhere', { config: text })).toEqual({});
});

test('files are included where they are named, and what follows belongs to its own section', async () => {
  const files = {
    config: 'Host a\n  User alice\n  Include more/*.conf\n  Port 1\nHost *\n  Port 2\n',
    'more/1.conf': 'HostName one\n',
    'more/2.conf': 'Host b\n  User bob\n',
    'more/.hidden.conf': 'User nobody\n',
  };
  expect(await settingsOf('a', files)).toEqual({ user: ['alice'], hostname: ['one'], port: ['1'] });
  expect(await settingsOf('b', files)).toMatchObject({ user: ['bob'], port: ['2'] });
});

test('absolute and quoted files are included; one that is missing is not missed', async () => {
  const files = { config: 'Include "FOLDER/with space" missing\nUser late\n', 'with space': 'User early\n' };
  expect(await settingsOf('a', files)).toEqual({ user: ['early'] });
});

test('a Match section counts for those it matches', async () => {
  const text = 'Match host a user nobody-at-all\n  Port 1\nMatch originalhost a\n  Port 2\n';
  expect(await settingsOf('a', { config: text })).toEqual({ port: ['2'] });
});

test('files of no existence say nothing', async () => {
  expect([...(await readHostConfig('a', ['/nonexistent/config']))]).toEqual([]);
});

test.each([
  ['cannot be read', { config: 'Include FOLDER\n' }, 'cannot read'],
  ['include each other', { config: 'Include config\n' }, 'circle'],
  ['are not of the form', { config: 'Host "a\n' }, 'config'],
])('files that %s are refused by name', async (_, files, text) => {
  await expect(settingsOf('a', files)).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining(text),
  });
});

test('a tilde is the home folder, at the beginning only', () => {
  expect(expandHome('~/x')).toBe(join(homedir(), 'x'));
  expect(expandHome('~')).toBe(homedir());
  expect(expandHome('/a/~/x')).toBe('/a/~/x');
});
