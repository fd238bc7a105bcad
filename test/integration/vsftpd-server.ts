import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createTlsFiles } from '../fixtures/network/tls-files.js';
import { freePort } from './free-port.js';
import { requireOrSkip } from './required-server.js';
import { untilListening } from './until-listening.js';

/** An FTP server on 127.0.0.1, of our own, with one user. */
export interface FtpServerFixture {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** What the user sees as `/`. */
  readonly folder: string;
  /** Certificate of who signed the server's, as PEM. */
  readonly ca: string;
  log(): string;
  close(): Promise<void>;
}

const VSFTPD = '/usr/sbin/vsftpd';

/** Whether vsftpd is here; see {@link requireOrSkip}. */
export function findVsftpd(): boolean {
  const install = 'apt-get install --no-install-recommends vsftpd openssl';
  return [VSFTPD, 'openssl'].every((command) => requireOrSkip('vsftpd', { command, install }));
}

export interface VsftpdOptions {
  /** How its users speak. Default: as they like. */
  readonly tls?: 'explicit' | 'implicit';
  /** Further lines of its configuration, which count before all others. */
  readonly lines?: readonly string[];
  /** Names in its certificate. Default: those of this machine. */
  readonly names?: string;
  /** What its user sees as `/`. Default: a new folder. */
  readonly root?: string;
}

/**
 * Starts vsftpd on a free port. Its one user is called anonymous and has a password: so it needs no accounts of this
 * machine, and runs as whoever runs the tests. It ends with this process, however that ends.
 */
export async function startVsftpd({ tls, lines = [], root, names }: VsftpdOptions = {}): Promise<FtpServerFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-vsftpd-'));
  const at = (name: string) => join(folder, name);
  const password = 'open-sesame';
  const files = root ?? at('files');
  await mkdir(files, { recursive: true });
  await writeFile(at('passwords'), `${password}\n`);
  await createTlsFiles(folder, names);
  const port = await freePort();
  const config = [
    ...configLines({ folder, files, port }),
    ...(tls === undefined ? [] : tlsLines(folder, tls)),
    ...lines,
    '',
  ];
  await writeFile(at('vsftpd.conf'), config.join('\n'));
  await chmod(at('vsftpd.conf'), 0o600);
  // The shell holds the end of our pipe: when we are gone, it ends the server.
  const hold = '"$1" "$2" & server=$!; cat >/dev/null; kill $server; wait $server';
  const child = spawn('bash', ['-c', hold, 'vsftpd', VSFTPD, at('vsftpd.conf')], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  await untilListening(port, () => `vsftpd: ${complaint}`);
  return {
    port,
    user: 'anonymous',
    password,
    folder: files,
    ca: await readFile(at('ca.pem'), 'utf8'),
    log: () => complaint,
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configLines({ folder, files, port }: { folder: string; files: string; port: number }): readonly string[] {
  return [
    'listen=YES',
    'listen_address=127.0.0.1',
    `listen_port=${port}`,
    'background=NO',
    'run_as_launching_user=YES',
    'anonymous_enable=YES',
    'local_enable=NO',
    `anon_root=${files}`,
    `ftp_username=${userInfo().username}`,
    'secure_email_list_enable=YES',
    `email_password_file=${folder}/passwords`,
    'write_enable=YES',
    'anon_upload_enable=YES',
    'anon_mkdir_write_enable=YES',
    'anon_other_write_enable=YES',
    'anon_world_readable_only=NO',
    'anon_umask=022',
    'allow_writeable_chroot=YES',
    'pasv_address=127.0.0.1',
    'seccomp_sandbox=NO',
    'max_per_ip=0',
    'xferlog_enable=NO',
  ];
}

// As strict as it comes: data connections must resume the session of their control connection.
function tlsLines(folder: string, tls: 'explicit' | 'implicit'): readonly string[] {
  return [
    'ssl_enable=YES',
    'allow_anon_ssl=YES',
    'force_anon_logins_ssl=YES',
    'force_anon_data_ssl=YES',
    'require_ssl_reuse=YES',
    'ssl_ciphers=HIGH',
    `implicit_ssl=${tls === 'implicit' ? 'YES' : 'NO'}`,
    `rsa_cert_file=${folder}/server.pem`,
    `rsa_private_key_file=${folder}/server.key`,
  ];
}
