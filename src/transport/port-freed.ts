import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const AGAIN_MS = 5;

/** Resolves once nobody listens there any more, or after `timeoutMs`: libzmq closes a port some time after its socket. */
export async function portFreed(host: string, port: number, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs && (await somebodyListens(host, port))) await sleep(AGAIN_MS);
}

function somebodyListens(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK[host] ?? host, timeout: AGAIN_MS * 20 });
    const answer = (listens: boolean): void => {
      socket.destroy();
      resolve(listens);
    };
    socket
      .once('connect', () => answer(true))
      .once('timeout', () => answer(false))
      .once('error', () => answer(false));
  });
}

const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
