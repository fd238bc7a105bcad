import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

/** A moto server of our own on a free port. It takes any credentials and keeps everything in memory. */
export async function startMoto(): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const port = await freePort();
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const endpoint = `http://127.0.0.1:${port}`;
  const close = () => stop(child);
  try {
    await answering(child, endpoint);
    return { endpoint, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function answering(child: ChildProcess, endpoint: string): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt; ) {
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode}`);
    if (
      await fetch(`${endpoint}/moto-api/`).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(50);
  }
  throw new Error(`moto_server did not answer at ${endpoint} within 60 s`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
