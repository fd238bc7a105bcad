import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { requireOrSkip } from './required-server.js';

/** An nginx of our own. */
export interface Nginx {
  readonly origin: string;
  /** The same files by https; the certificate is its own authority. */
  readonly secureOrigin: string;
  readonly certificate: string;
  /** Folder of the files below `/place/`, which takes PUT, DELETE and MOVE. */
  readonly place: string;
  /** Process of the server; its children serve. */
  readonly pid: number;
  close(): Promise<void>;
}

/** Whether nginx is here; see {@link requireOrSkip}. */
export function findNginx(): boolean {
  return requireOrSkip('nginx', {
    command: 'nginx',
    install: 'apt-get install --no-install-recommends nginx-light openssl',
  });
}

/**
 * Starts nginx on free ports of 127.0.0.1. Below `/slow/` the files of `/place/` come at `slowBytes` a second, below
 * `/one/` for one connection at a time, below `/private/` to jo with the password `secret-1`; `/moved/x` redirects to
 * `/place/x`, `/closed/` closes the connection without an answer.
 */
export async function startNginx({ slowBytes = 16 * 1024 * 1024 }: { slowBytes?: number } = {}): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-nginx-'));
  const [port, securePort] = [await freePort(), await freePort()];
  for (const name of ['www/place', 'temporary']) await mkdir(join(folder, name), { recursive: true });
  const certificate = makeCertificate(folder);
  await writeFile(join(folder, 'users'), 'jo:{PLAIN}secret-1\n');
  await writeFile(join(folder, 'nginx.conf'), configOf({ folder, port, securePort, slowBytes }));
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  const close = async () => {
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  await Promise.race([listening(port), exited.then(() => Promise.reject(new Error('nginx ended')))]);
  return {
    origin: `http://127.0.0.1:${port}`,
    secureOrigin: `https://localhost:${securePort}`,
    certificate,
    place: join(folder, 'www/place'),
    pid: child.pid ?? 0,
    close,
  };
}

interface NginxConfig {
  readonly folder: string;
  readonly port: number;
  readonly securePort: number;
  readonly slowBytes: number;
}

function configOf({ folder, port, securePort, slowBytes }: NginxConfig): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/temporary/${name};`,
  );
  return `${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  client_max_body_size 0;
  limit_conn_zone $binary_remote_addr zone=one:1m;
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate ${folder}/certificate.pem;
    ssl_certificate_key ${folder}/key.pem;
    absolute_redirect off;
    root ${folder}/www;
    location /place/ { dav_methods PUT DELETE MOVE; create_full_put_path on; }
    location /slow/ { alias ${folder}/www/place/; limit_rate ${slowBytes}; }
    location /one/ { alias ${folder}/www/place/; limit_conn one 1; }
    location /private/ { alias ${folder}/www/place/; auth_basic files; auth_basic_user_file ${folder}/users; }
    location /readonly/ { alias ${folder}/www/place/; }
    location /moved/ { rewrite ^/moved/(.*)$ /place/$1 redirect; }
    location /closed/ { return 444; }
  }
}
`;
}

function makeCertificate(folder: string): string {
  const path = join(folder, 'certificate.pem');
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', path];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...names,
    ...files,
  ]);
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  return path;
}

async function listening(port: number): Promise<void> {
  for (const giveUpAt = Date.now() + 10_000; Date.now() < giveUpAt; await sleep(20)) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
  }
  throw new Error(`nginx does not listen on port ${port}`);
}
