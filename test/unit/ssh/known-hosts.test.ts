import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, keyTypeOf, noteKnownHost, readKnownHosts } from '../../../src/ssh/known-hosts.js';
import { temporaryFolder } from '../data/temporary-folder.js';

const KEY = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIJ2sBkAYzXwxqnv8AMcT/5DR5+oZ2zA85rLL0mVvnQB6', 'base64');
const OTHER = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIIZBJDZ1zVQ2VZxkPjEYKW6nQxqQpQ1Cql9xZ4hQyT2J', 'base64');
const line = (names: string, key = KEY) => `${names} ssh-ed25519 ${key.toString('base64')} a comment`;

async function knownFrom(...lines: string[]) {
  const path = join(await temporaryFolder(), 'known_hosts');
  await writeFile(path, lines.join('\n'));
  return { path, known: await readKnownHosts([join(path, '..', 'missing'), path]) };
}

test('fingerprint and type are those that ssh-keygen shows', () => {
  // ssh-keygen -l -f of this key.
  expect(fingerprintOf(KEY)).toBe('SHA256:eOZiOTdIOGiYTed3fI54GYe64hIy7+citLlefLmCBEE');
  expect(keyTypeOf(KEY)).toBe('ssh-ed25519');
  expect(keyTypeOf(Buffer.from([1]))).toBe('');
});

describe('a host', () => {
  test.each([
    ['by its name', 'host.example.org', 'host.example.org'],
    ['among several names', 'other,host.example.org,10.0.0.1', '10.0.0.1'],
    ['whatever the case', 'Host.Example.org', 'host.example.org'],
    ['on another port', '[host.example.org]:2222', '[host.example.org]:2222'],
    ['by a pattern', '*.example.org', 'a.example.org'],
    ['by a pattern with a port', '[n?.example.org]:22*', '[n1.example.org]:2222'],
  ])('is known %s', async (_, names, host) => {
    const { known } = await knownFrom('# a comment', '', line(names));
    expect(known.judge(host, KEY)).toEqual({ kind: 'known' });
    expect(known.typesOf(host)).toEqual(['ssh-ed25519']);
  });

  test('is known by the hash of its name', async () => {
    const salt = randomBytes(20);
    const hash = createHmac('sha1', salt).update('[host]:2222').digest('base64');
    const { known } = await knownFrom(line(`|1|${salt.toString('base64')}|${hash}`));
    expect(known.judge('[host]:2222', KEY)).toEqual({ kind: 'known' });
    expect(known.judge('host', KEY)).toEqual({ kind: 'unknown' });
  });

  test.each([
    ['nobody knows', 'other.example.org', 'host.example.org'],
    ['is excepted from a pattern', '*.example.org,!host.example.org', 'host.example.org'],
    ['is known on another port only', 'host.example.org', '[host.example.org]:2222'],
    ['has a name that a pattern only begins like', 'host', 'host.example.org'],
  ])('that %s is unknown', async (_, names, host) => {
    const { known } = await knownFrom(line(names));
    expect(known.judge(host, KEY)).toEqual({ kind: 'unknown' });
    expect(known.typesOf(host)).toEqual([]);
  });

  test('with another key has changed, and the line is named', async () => {
    const { known, path } = await knownFrom('# one', line('host'));
    expect(known.judge('host', OTHER)).toEqual({ kind: 'changed', place: `${path}:2` });
  });

  test('with several keys may show any of them', async () => {
    const { known } = await knownFrom(line('host', OTHER), line('host', KEY));
    expect(known.judge('host', KEY)).toEqual({ kind: 'known' });
  });

  test('whose key is revoked is not known, whatever else a file says', async () => {
    const { known, path } = await knownFrom(line('host'), `@revoked ${line('*')}`);
    expect(known.judge('host', KEY)).toEqual({ kind: 'revoked', place: `${path}:2` });
    expect(known.judge('host', OTHER)).toEqual({ kind: 'changed', place: `${path}:1` });
  });

  test('that an authority vouches for is not known by that', async () => {
    const { known } = await knownFrom(`@cert-authority ${line('*.example.org')}`);
    expect(known.judge('a.example.org', KEY)).toEqual({ kind: 'unknown' });
    expect(known.knowsAuthorityOf('a.example.org')).toBe(true);
    expect(known.knowsAuthorityOf('elsewhere')).toBe(false);
  });
});

describe('noting a host', () => {
  test('makes a file that only its owner reads', async () => {
    const path = join(await temporaryFolder(), '.ssh', 'known_hosts');
    await noteKnownHost(path, '[host]:2222', KEY);
    expect(await readFile(path, 'utf8')).toBe(`[host]:2222 ssh-ed25519 ${KEY.toString('base64')}\n`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readKnownHosts([path])).judge('[host]:2222', KEY)).toEqual({ kind: 'known' });
  });

  test('begins a line of its own', async () => {
    const { path } = await knownFrom(line('first'));
    await noteKnownHost(path, 'second', OTHER);
    const known = await readKnownHosts([path]);
    expect(known.judge('first', KEY)).toEqual({ kind: 'known' });
    expect(known.judge('second', OTHER)).toEqual({ kind: 'known' });
  });

  test('in a file that cannot be written says which', async () => {
    const { path } = await knownFrom('');
    await expect(noteKnownHost(join(path, 'below'), 'host', KEY)).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringContaining(path),
    });
  });
});

test('a file that cannot be read is named', async () => {
  const folder = await temporaryFolder();
  await expect(readKnownHosts([folder])).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining(folder),
  });
});
