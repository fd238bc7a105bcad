import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { RunStats } from '../kernel/run-stats.js';

/** What a control socket answers with: one line of JSON, then the end. */
export interface RunStatus {
  readonly runId: string;
  readonly pid: number;
  readonly stats: RunStats;
}

/** What the socket asks of its kernel. */
interface Observed {
  readonly runId: string;
  readonly runDir: string;
  stats(): RunStats;
}

// sun_path of unix(7), with its terminating NUL; 104 on macOS.
const LONGEST_SOCKET_PATH = 103;

/**
 * Answers whoever connects to `control.sock` in the run directory with the run's status: for `sluice status`. The
 * answer closes it. A path too long for a socket has none, with a warning; nothing else depends on it.
 */
export async function openControlSocket(kernel: Observed): Promise<() => Promise<void>> {
  const path = join(kernel.runDir, 'control.sock');
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    process.emitWarning(`${path} is too long for a socket: sluice status will not see this run`, 'SluiceWarning');
    return async () => {};
  }
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    const status: RunStatus = { runId: kernel.runId, pid: process.pid, stats: kernel.stats() };
    client.end(`${JSON.stringify(status)}\n`);
  });
  server.listen(path);
  await once(server, 'listening');
  // Being asked is no reason to live on.
  server.unref();
  return async () => {
    for (const client of clients) client.destroy();
    server.close();
    await once(server, 'close');
  };
}
