import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTlsFiles } from '../fixtures/network/tls-files.js';
import { freePort } from './free-port.js';
import { requireOrSkip } from './required-server.js';
import { untilListening } from './until-listening.js';
import type { FtpServerFixture } from './vsftpd-server.js';

// Debian installs one FTP server at a time: this one may lie in a folder of its own.
const ROOT = process.env.SLUICE_PURE_FTPD ?? '';
const PURE_FTPD = `${ROOT}/usr/sbin/pure-ftpd`;
const PURE_PW = `${ROOT}/usr/bin/pure-pw`;

/** Whether pure-ftpd is here, which only root can run; see {@link requireOrSkip}. */
export function findPureFtpd(): boolean {
  if (process.getuid?.() !== 0) return false;
  const install = 'apt-get download pure-ftpd && dpkg -x pure-ftpd_*.deb FOLDER, and set SLUICE_PURE_FTPD=FOLDER';
  return [PURE_FTPD, PURE_PW, 'openssl'].every((command) => requireOrSkip('pure-ftpd', { command, install }));
}

/** Starts pure-ftpd with TLS on a free port, and one user of its own. It ends with this process, however that ends. */
export async function startPureFtpd(): Promise<FtpServerFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pure-ftpd-'));
  const at = (name: string) => join(folder, name);
  const [user, password] = ['alice', 'open-sesame'];
  await mkdir(at('files'));
  await createTlsFiles(folder);
  await writeFile(
    at('pair.pem'),
    `${await readFile(at('server.key'), 'utf8')}${await readFile(at('server.pem'), 'utf8')}`,
  );
  const accounts = ['-f', at('users'), '-F', at('users.pdb')];
  const made = spawnSync(
    PURE_PW,
    ['useradd', user, '-u', '65534', '-g', '65534', '-d', at('files'), '-m', ...accounts],
    {
      input: `${password}\n${password}\n`,
    },
  );
  if (made.status !== 0) throw new Error(`pure-pw: ${made.stderr}`);
  spawnSync('chown', ['65534:65534', at('files')]);
  spawnSync('chmod', ['755', folder]);
  const port = await freePort();
  const options = [
    '-S',
    `127.0.0.1,${port}`,
    '-l',
    `puredb:${at('users.pdb')}`,
    '-A',
    '-E',
    '-H',
    '-Y',
    '1',
    '-2',
    at('pair.pem'),
  ];
  const limits = ['-c', '50', '-C', '50', '-u', '1', '-g', at('pid')];
  // The shell holds the end of our pipe: when we are gone, it ends the server.
  const hold = 'server=$1; shift; "$server" "$@" & pid=$!; cat >/dev/null; kill $pid; wait $pid';
  const child = spawn('bash', ['-c', hold, 'pure-ftpd', PURE_FTPD, ...options, ...limits], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  await untilListening(port, () => `pure-ftpd: ${complaint}`);
  return {
    port,
    user,
    password,
    folder: at('files'),
    ca: await readFile(at('ca.pem'), 'utf8'),
    log: () => complaint,
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
