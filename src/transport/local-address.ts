import { randomBytes } from 'node:crypto';

const PREFIX = 'ipc://@';

/**
 * A new address for both ends on one machine: a Unix socket with a name and no file (unix(7), "abstract"), reached from
 * where the machine's loopback is, gone with whoever listens, and quicker than TCP. `undefined` where there are none of these.
 */
export function newLocalAddress(): string | undefined {
  return process.platform === 'linux' ? `${PREFIX}sluice-${randomBytes(12).toString('hex')}` : undefined;
}

/** Whether it is one of {@link newLocalAddress}. */
export function isLocalAddress(address: string): boolean {
  return address.startsWith(PREFIX);
}
