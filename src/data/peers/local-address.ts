import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { hostname } from 'node:os';

/**
 * The address of this machine by which it speaks to another one: what that one reaches, others of its network mostly
 * reach too. Nothing is sent: a datagram socket is given its peer, and asked for its own end (connect(2), getsockname(2)).
 *
 * @param address `tcp://host:port`; any other is on this machine
 */
export async function localAddressTowards(address: string): Promise<string> {
  const [, bracketed, name] = /^tcp:\/\/(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(address) ?? [];
  const host = bracketed ?? name ?? '127.0.0.1';
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    const connected = once(socket, 'connect');
    socket.connect(ANY_PORT, host);
    await connected;
    return socket.address().address;
  } catch {
    // Whoever knows this name may find it; the others do without.
    return hostname();
  } finally {
    socket.close();
  }
}

const ANY_PORT = 9;
