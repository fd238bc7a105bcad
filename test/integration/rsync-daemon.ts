import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { requireOrSkip } from './required-server.js';

/** An rsync daemon of our own. */
export interface RsyncDaemon {
  /** `rsync://127.0.0.1:PORT` */
  readonly origin: string;
  /** Folder of the module `place`, and of `readonly` and `private` (to jo, with the password `secret-1`). */
  readonly place: string;
  close(): Promise<void>;
}

/** Whether rsync is here; see {@link requireOrSkip}. */
export function findRsync(): boolean {
  return requireOrSkip('rsync', { command: 'rsync', install: 'apt-get install --no-install-recommends rsync' });
}

/** Starts an rsync daemon on a free port of 127.0.0.1. */
export async function startRsyncDaemon(): Promise<RsyncDaemon> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-rsyncd-'));
  const place = join(folder, 'place');
  await mkdir(place);
  await writeFile(join(folder, 'secrets'), 'jo:secret-1\n', { mode: 0o600 });
  const ids = process.getuid?.() === 0 ? 'uid = 0\ngid = 0\n' : '';
  const modules = [
    `[place]\npath = ${place}\nread only = no\n`,
    `[readonly]\npath = ${place}\nread only = yes\n`,
    `[private]\npath = ${place}\nread only = no\nauth users = jo\nsecrets file = ${folder}/secrets\n`,
  ];
  await writeFile(join(folder, 'conf'), `use chroot = no\n${ids}log file = ${folder}/log\n${modules.join('')}`);
  const port = await freePort();
  const options = ['--daemon', '--no-detach', `--config=${folder}/conf`, `--port=${port}`, '--address=127.0.0.1'];
  // Ends with this process, however that ends: its input is closed then.
  const script = 'rsync "$@" & daemon=$!; read -r _; kill $daemon; wait $daemon';
  const child = spawn('sh', ['-c', script, 'sh', ...options], { stdio: ['pipe', 'ignore', 'ignore'] });
  const exited = once(child, 'exit');
  await Promise.race([listening(port), exited.then(() => Promise.reject(new Error('rsync ended')))]);
  return {
    origin: `rsync://127.0.0.1:${port}`,
    place,
    async close() {
      child.stdin.end();
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(port: number): Promise<void> {
  for (const giveUpAt = Date.now() + 20_000; Date.now() < giveUpAt; await sleep(20)) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
  }
  throw new Error(`rsync does not listen on port ${port}`);
}
