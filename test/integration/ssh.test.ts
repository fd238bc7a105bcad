import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSshConnections, type SshConnections } from '../../src/ssh/ssh-connections.js';
import type { SshOptions } from '../../src/ssh/ssh-options.js';
import { type FaultyProxy, startFaultyProxy } from '../fixtures/network/faulty-proxy.js';
import { freePort } from './free-port.js';
import { findSshd, type Sshd, startSshd } from './sshd-server.js';

const run = promisify(execFile);
const { signal } = new AbortController();

describe.runIf(findSshd())('ssh', () => {
  let sshd: Sshd;
  let folder: string;
  const made: SshConnections[] = [];
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd?.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-ssh-'));
  });
  afterEach(async () => {
    await Promise.all(made.splice(0).map((connections) => connections.close()));
    await rm(folder, { recursive: true, force: true });
  });

  /** Connections that know the server, and have its key. */
  function connectionsWith(options: SshOptions = {}): SshConnections {
    const connections = createSshConnections({ configFile: sshd.configFile, agent: false, ...options });
    made.push(connections);
    return connections;
  }
  async function says(connections: SshConnections, host = 'localhost', command = 'echo here'): Promise<string> {
    const connection = await connections.to({ host });
    const { stdout } = await connection.run({ command, signal, timeoutMs: 20_000 });
    return stdout;
  }
  /** Without anything that a file says. */
  const bare = (options: SshOptions = {}): SshConnections =>
    connectionsWith({ configFile: false, knownHostsFiles: [sshd.knownHostsFile], identityFiles: [], ...options });
  const here = () => ({ host: '127.0.0.1', port: sshd.port, user: sshd.user });

  describe('logging in', () => {
    test('works by the files of OpenSSH alone', async () => {
      expect(await says(connectionsWith(), 'node7')).toBe('here\n');
    });

    test('works by an agent, whose other keys do not stand in the way', async () => {
      const agent = await startAgent(folder);
      try {
        for (let n = 0; n < 8; n++) await agent.addNew(`other${n}`);
        await copyFile(sshd.identityFile, join(folder, 'id'));
        await copyFile(`${sshd.identityFile}.pub`, join(folder, 'id.pub'));
        await agent.add(join(folder, 'id'));
        // Only the public half is left: the agent has the other.
        await rm(join(folder, 'id'));
        const connection = await bare({ agent: agent.socket, identityFiles: [join(folder, 'id')] }).to(here());
        expect(await connection.run({ command: 'echo in', signal, timeoutMs: 20_000 })).toMatchObject({
          stdout: 'in\n',
        });
      } finally {
        await agent.close();
      }
    });

    test('works by an encrypted key, whose passphrase is asked for', async () => {
      const path = join(folder, 'locked');
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', path]);
      await appendFile(join(sshd.folder, 'authorized_keys'), await readFile(`${path}.pub`));
      const asked: string[] = [];
      const passphrase = ({ prompt }: { prompt: string }) => {
        asked.push(prompt);
        return 'open sesame';
      };
      const connection = await bare({ identityFiles: [path], passphrase }).to(here());
      expect(await connection.run({ command: 'echo in', signal, timeoutMs: 20_000 })).toMatchObject({ exitCode: 0 });
      expect(asked).toEqual([path]);
    });

    test('that fails tells everything that was tried, and what could not be', async () => {
      const [locked, stranger] = [join(folder, 'locked'), join(folder, 'stranger')];
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'open sesame', '-f', locked]);
      await run('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', stranger]);
      const connections = bare({
        identityFiles: [locked, join(folder, 'missing'), stranger],
        agent: join(folder, 'none'),
      });
      const failure = (await connections.to(here())).run({ command: 'true', signal, timeoutMs: 20_000 });
      await expect(failure).rejects.toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringMatching(
          /locked \(encrypted: .*missing \(no such file\); .*stranger; .*agent.*publickey/,
        ),
      });
    });

    test('is done anew after it failed: nothing of the failure is kept', async () => {
      const path = join(folder, 'late');
      const connections = bare({ identityFiles: [path] });
      const connection = await connections.to(here());
      const command = { command: 'echo in', signal, timeoutMs: 20_000 };
      await expect(connection.run(command)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
      await copyFile(sshd.identityFile, path);
      expect(await connection.run(command)).toMatchObject({ stdout: 'in\n' });
    });
  });

  describe('a host', () => {
    test('that is not known is refused with its fingerprint and what to do', async () => {
      const known = join(folder, 'known_hosts');
      await expect(says(connectionsWith({ knownHostsFiles: [known] }))).rejects.toMatchObject({
        code: 'HOST_NOT_TRUSTED',
        class: 'usage',
        message: expect.stringContaining(`ssh-ed25519 key ${sshd.fingerprint}`),
      });
      await expect(says(connectionsWith({ knownHostsFiles: [known] }))).rejects.toThrow(
        `ssh-keyscan -p ${sshd.port} 127.0.0.1 >> ${known}`,
      );
    });

    test('is known after what the refusal says was done', async () => {
      const known = join(folder, 'known_hosts');
      const { stdout } = await run('ssh-keyscan', ['-p', String(sshd.port), '127.0.0.1']);
      await writeFile(known, stdout);
      expect(await says(connectionsWith({ knownHostsFiles: [known] }))).toBe('here\n');
    });

    test('that is new is noted where that is wanted, and known from then on', async () => {
      const known = join(folder, '.ssh', 'known_hosts');
      expect(await says(connectionsWith({ knownHostsFiles: [known], hostKeys: 'accept-new' }))).toBe('here\n');
      expect(await readFile(known, 'utf8')).toMatch(new RegExp(`^\\[127\\.0\\.0\\.1\\]:${sshd.port} ssh-ed25519 `));
      expect(await says(connectionsWith({ knownHostsFiles: [known], hostKeys: 'strict' }))).toBe('here\n');
    });

    test('is known from a file of hashed names', async () => {
      const known = join(folder, 'known_hosts');
      await copyFile(sshd.knownHostsFile, known);
      await run('ssh-keygen', ['-H', '-f', known]);
      expect(await readFile(known, 'utf8')).not.toContain('127.0.0.1');
      expect(await says(connectionsWith({ knownHostsFiles: [known] }))).toBe('here\n');
    });

    test('whose key has changed is refused, also where new ones are taken', async () => {
      const [known, key] = [join(folder, 'known_hosts'), join(folder, 'old')];
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
      await writeFile(known, `[127.0.0.1]:${sshd.port} ${await readFile(`${key}.pub`, 'utf8')}`);
      await expect(says(connectionsWith({ knownHostsFiles: [known], hostKeys: 'accept-new' }))).rejects.toMatchObject({
        code: 'HOST_NOT_TRUSTED',
        message: expect.stringMatching(new RegExp(`${known}:1.*ssh-keygen -R '\\[127.0.0.1\\]:${sshd.port}'`)),
      });
    });

    test('that nobody answers for is named, and so is a name that no host has', async () => {
      const port = await freePort();
      const refused = (await bare().to({ host: '127.0.0.1', port })).run({
        command: 'true',
        signal,
        timeoutMs: 20_000,
      });
      await expect(refused).rejects.toMatchObject({
        code: 'SERVICE_FAILED',
        message: expect.stringContaining(`127.0.0.1:${port}: cannot connect: nothing listens`),
      });
      const nameless = (await bare().to({ host: 'no.such.invalid' })).run({
        command: 'true',
        signal,
        timeoutMs: 20_000,
      });
      await expect(nameless).rejects.toThrow(/no\.such\.invalid/);
    });
  });

  describe('a command', () => {
    test('gets its input and gives what it writes and its exit code', async () => {
      const connection = await connectionsWith().to({ host: 'localhost' });
      const result = await connection.run({
        command: 'cat; echo bad >&2; exit 7',
        stdin: 'good',
        signal,
        timeoutMs: 20_000,
      });
      expect(result).toEqual({ exitCode: 7, stdout: 'good', stderr: 'bad\n' });
      const killed = await connection.run({ command: 'kill -9 $$', signal, timeoutMs: 20_000 });
      expect(killed.exitCode).toBe(137);
    });

    test('is ended at its time and at an abort, and says which', async () => {
      const connection = await connectionsWith().to({ host: 'localhost' });
      const pidFile = join(folder, 'pid');
      const command = `echo $$ > ${pidFile}; exec sleep 1000`;
      await expect(connection.run({ command, signal, timeoutMs: 5_000 })).rejects.toMatchObject({
        code: 'COMMAND_FAILED',
        message: expect.stringContaining('still running after 5000 ms'),
      });
      const pid = Number(await readFile(pidFile, 'utf8'));
      await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false);
      const stop = new AbortController();
      const stopped = connection.run({ command: 'echo up; sleep 1000', signal: stop.signal, timeoutMs: 60_000 });
      setTimeout(() => stop.abort(new Error('no longer wanted')), 100);
      await expect(stopped).rejects.toThrow('no longer wanted');
    });

    test('waits where as many run as there may be', async () => {
      const connections = connectionsWith({ channels: 3 });
      const gate = join(folder, 'gate');
      const connection = await connections.to({ host: 'localhost' });
      const command = `echo x >> ${join(folder, 'begun')}; until [ -e ${gate} ]; do sleep 0.05; done`;
      const all = Array.from({ length: 7 }, () => connection.run({ command, signal, timeoutMs: 60_000 }));
      const begun = () =>
        readFile(join(folder, 'begun'), 'utf8').then(
          (text) => text.length / 2,
          () => 0,
        );
      await expect.poll(begun, { timeout: 20_000 }).toBe(3);
      await writeFile(gate, '');
      await Promise.all(all);
      expect(await begun()).toBe(7);
    });
  });

  describe('one connection', () => {
    let proxy: FaultyProxy;
    let through: SshConnections;
    beforeEach(async () => {
      proxy = await startFaultyProxy(sshd.port);
      // The server's own name for the proxy's port.
      through = connectionsWith({ configFile: await proxied({ proxy, sshd, folder }), keepAliveMs: 200, idleMs: 300 });
    });
    afterEach(() => proxy.close());

    test('serves all who use the host', async () => {
      const connection = await through.to({ host: 'proxied' });
      await Promise.all([
        ...Array.from({ length: 5 }, () => connection.run({ command: 'true', signal, timeoutMs: 20_000 })),
        connection.withSftp((session) => session.stat('/')),
        says(through, 'proxied'),
      ]);
      expect(proxy.connections()).toBe(1);
    });

    test('is made anew after it was lost, and what was under way is told', async () => {
      const connection = await through.to({ host: 'proxied' });
      await connection.withSftp((session) => session.stat('/'));
      const running = connection.run({ command: 'sleep 1000', signal, timeoutMs: 60_000 });
      const lost = expect(running).rejects.toMatchObject({ code: 'SERVICE_FAILED', class: 'infrastructure' });
      await connection.withSftp(async (session) => {
        proxy.cutAll();
        await expect(session.stat('/')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
        // Also what comes after the end of the session.
        await expect(session.stat('/')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
      });
      await lost;
      expect(await says(through, 'proxied')).toBe('here\n');
      expect(await connection.withSftp((session) => session.stat('/'))).toMatchObject({ kind: 'folder' });
      expect(proxy.connections()).toBe(2);
    });

    test('through which nothing comes any more is lost', async () => {
      const connection = await through.to({ host: 'proxied' });
      await connection.run({ command: 'true', signal, timeoutMs: 20_000 });
      const silent = connection.run({ command: 'sleep 1000', signal, timeoutMs: 60_000 });
      proxy.freeze();
      await expect(silent).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    });

    test('that nobody uses is closed, and made again for the next', async () => {
      expect(await says(through, 'proxied')).toBe('here\n');
      await expect.poll(() => proxy.open(), { timeout: 60_000 }).toBe(0);
      expect(await says(through, 'proxied')).toBe('here\n');
      expect(proxy.connections()).toBe(2);
    });

    test('is not idle while a command runs', async () => {
      expect(await says(through, 'proxied', 'sleep 1; echo done')).toBe('done\n');
      expect(proxy.connections()).toBe(1);
    });

    test('that fails to be made is tried again', async () => {
      proxy.cutEach((count) => (count < 3 ? 500 : undefined));
      expect(await says(through, 'proxied')).toBe('here\n');
      expect(proxy.connections()).toBe(3);
    });

    test('ends when all are closed: what is under way rejects, and nothing can be begun', async () => {
      const connection = await through.to({ host: 'proxied' });
      await connection.run({ command: 'true', signal, timeoutMs: 20_000 });
      const running = connection.run({ command: 'sleep 1000', signal, timeoutMs: 60_000 });
      const ended = expect(running).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
      await through.close();
      await ended;
      await expect(connection.run({ command: 'true', signal, timeoutMs: 20_000 })).rejects.toMatchObject({
        code: 'SERVICE_FAILED',
        message: expect.stringContaining('closed by this process'),
      });
      await through.close();
      await expect.poll(() => proxy.open(), { timeout: 60_000 }).toBe(0);
    });
  });

  test('a host behind two others is reached through them, each with its own login and key', async () => {
    const [second, third] = await Promise.all([startSshd(), startSshd()]);
    try {
      const known = join(folder, 'known');
      const texts = await Promise.all([sshd, second, third].map((one) => readFile(one.knownHostsFile, 'utf8')));
      await writeFile(known, texts.join(''));
      const configFile = join(folder, 'config');
      const hosts = [
        ['gate', sshd, ''],
        ['middle', second, 'ProxyJump gate'],
        ['inner', third, 'ProxyJump middle'],
        ['listed', third, `ProxyJump gate,middle`],
      ] as const;
      const lines = hosts.flatMap(([name, one, jump]) => [
        `Host ${name}`,
        '  HostName 127.0.0.1',
        `  Port ${one.port}`,
        `  IdentityFile ${one.identityFile}`,
        `  ${jump}`,
      ]);
      await writeFile(configFile, [...lines, 'Host *', `UserKnownHostsFile ${known}`, ''].join('\n'));
      const connections = connectionsWith({ configFile });
      expect(await says(connections, 'inner', 'echo $SSH_CONNECTION')).toMatch(
        new RegExp(`127\\.0\\.0\\.1 ${third.port}$`, 'm'),
      );
      expect(await says(connections, 'listed')).toBe('here\n');
      const logins = (one: Sshd) => one.log().match(/Accepted publickey/g)?.length ?? 0;
      expect(logins(third)).toBe(2);
      expect(logins(second)).toBe(1);
    } finally {
      await Promise.all([second.close(), third.close()]);
    }
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Proxied {
  readonly proxy: FaultyProxy;
  readonly sshd: Sshd;
  readonly folder: string;
}

/** Configuration of a host `proxied`, which is the server through the proxy. */
async function proxied({ proxy, sshd, folder }: Proxied): Promise<string> {
  const path = join(folder, 'proxied_config');
  const lines = [
    'Host proxied',
    '  HostName 127.0.0.1',
    `  Port ${proxy.port}`,
    `  User ${userInfo().username}`,
    `  HostKeyAlias [127.0.0.1]:${sshd.port}`,
    `  IdentityFile ${sshd.identityFile}`,
    `  UserKnownHostsFile ${sshd.knownHostsFile}`,
    '',
  ];
  await writeFile(path, lines.join('\n'));
  return path;
}

interface Agent {
  readonly socket: string;
  add(path: string): Promise<void>;
  addNew(name: string): Promise<void>;
  close(): Promise<void>;
}

async function startAgent(folder: string): Promise<Agent> {
  const socket = join(folder, 'agent');
  const child: ChildProcess = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  if (child.stdout !== null) await once(child.stdout, 'data');
  const add = async (path: string) => {
    await run('ssh-add', ['-q', path], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  };
  return {
    socket,
    add,
    async addNew(name) {
      const path = join(folder, name);
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
      await add(path);
    },
    async close() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}
