import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';
import { requireOrSkip } from './required-server.js';
import { untilListening } from './until-listening.js';

/** OpenSSH's server on 127.0.0.1, of our own, that lets this user in by one key. */
export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** Everything of the server's, and what its users are given. */
  readonly folder: string;
  /** Private key that may log in. */
  readonly identityFile: string;
  /** The server's own key, in a file of known hosts. */
  readonly knownHostsFile: string;
  /** Client configuration for it: `127.0.0.1`, `localhost` and `node*` are this server. */
  readonly configFile: string;
  /** `SHA256:…` of the server's key. */
  readonly fingerprint: string;
  /** What it has logged. */
  log(): string;
  close(): Promise<void>;
}

const SSHD = '/usr/sbin/sshd';

/** Whether sshd is here; see {@link requireOrSkip}. */
export function findSshd(): boolean {
  const install = 'apt-get install --no-install-recommends openssh-server openssh-client';
  return [SSHD, 'ssh', 'ssh-keygen'].every((command) => requireOrSkip('sshd', { command, install }));
}

const run = promisify(execFile);

/** Starts sshd on a free port; it ends with this process, however that ends. @param lines of its configuration, before all others */
export async function startSshd({ lines = [] }: { readonly lines?: readonly string[] } = {}): Promise<Sshd> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sshd-'));
  const at = (name: string) => join(folder, name);
  const user = userInfo().username;
  for (const name of ['host_key', 'id']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  }
  const port = await freePort();
  await writeFile(at('authorized_keys'), await readFile(at('id.pub')), { mode: 0o600 });
  const hostKey = (await readFile(at('host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
  await writeFile(at('known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`);
  await writeFile(at('sshd_config'), [...lines, ...serverLines(folder, port), ''].join('\n'));
  await writeFile(at('ssh_config'), [...clientLines(folder, { port, user }), ''].join('\n'));
  // The folder of sshd's privilege separation, which only root has and needs.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const { child, log } = await startServer(at('sshd_config'), port);
  const { stdout } = await run('ssh-keygen', ['-l', '-f', at('host_key.pub')]);
  return {
    port,
    user,
    folder,
    identityFile: at('id'),
    knownHostsFile: at('known_hosts'),
    configFile: at('ssh_config'),
    fingerprint: /SHA256:\S+/.exec(stdout)?.[0] ?? '',
    log,
    async close() {
      child.stdin?.end();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function serverLines(folder: string, port: number): readonly string[] {
  return [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${folder}/host_key`,
    'PidFile none',
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'StrictModes no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'UsePAM no',
    'MaxStartups 100',
    'MaxSessions 10',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
  ];
}

function clientLines(folder: string, { port, user }: { port: number; user: string }): readonly string[] {
  return [
    'Host node* localhost 127.0.0.1',
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${user}`,
    `  IdentityFile ${folder}/id`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${folder}/known_hosts`,
    '  GlobalKnownHostsFile none',
  ];
}

// The shell holds the end of our pipe: when we are gone, it ends the server.
const HOLD = '"$1" -D -e -f "$2" & server=$!; cat >/dev/null; kill $server; wait $server';

async function startServer(config: string, port: number): Promise<{ child: ChildProcess; log: () => string }> {
  const child = spawn('bash', ['-c', HOLD, 'sshd', SSHD, config], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await untilListening(port, () => `sshd: ${log}`);
  return { child, log: () => log };
}
