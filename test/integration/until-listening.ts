import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves once somebody listens on a port of 127.0.0.1. @param complaint says why nobody does, for the error */
export async function untilListening(port: number, complaint: () => string): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
    if (await listens(port)) return;
    await sleep(POLL_MS);
  }
  throw new Error(`nobody listens on port ${port} after ${START_MS} ms: ${complaint()}`);
}

const START_MS = 20_000;
const POLL_MS = 20;

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
