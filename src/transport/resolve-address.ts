import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf, SluiceError } from '../errors.js';
import { isLocalAddress } from './local-address.js';

/** Where libzmq is to connect to. */
export interface Endpoint {
  readonly endpoint: string;
  readonly isIpv6: boolean;
}

/**
 * `tcp://host:port` with the host as a number. libzmq would resolve names itself, on the thread that carries all
 * messages, which would stand still meanwhile.
 *
 * @throws {SluiceError} `UNREACHABLE` when the name has no address, `INVALID_OPTIONS` when it is no such address at all
 */
export async function resolveAddress(address: string): Promise<Endpoint> {
  if (isLocalAddress(address)) return { endpoint: address, isIpv6: false };
  const [, bracketed, name, port] = /^tcp:\/\/(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address) ?? [];
  const host = bracketed ?? name;
  if (host === undefined) {
    throw new SluiceError('INVALID_OPTIONS', `'${address}' is no address: write tcp://host:port`);
  }
  const number = isIP(host) === 0 ? await addressOf(host) : host;
  const isIpv6 = isIP(number) === 6;
  return { endpoint: `tcp://${isIpv6 ? `[${number}]` : number}:${port}`, isIpv6 };
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new SluiceError('UNREACHABLE', `host '${host}' is not known here: ${messageOf(cause)}`, { cause });
  }
}
