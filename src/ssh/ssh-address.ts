import { SluiceError } from '../errors.js';

/** A host as a user names it: what stands in `~/.ssh/config` is found by it. */
export interface SshAddress {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** Reads `[user@]host[:port]`, with IPv6 addresses in brackets, or `ssh://…`. @throws {SluiceError} `INVALID_OPTIONS` */
export function parseSshAddress(text: string): SshAddress {
  const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:@[\]/]+))(?::(\d{1,5}))?\/?$/.exec(text.trim());
  const host = match?.[2] ?? match?.[3];
  if (match === null || host === undefined) {
    throw new SluiceError('INVALID_OPTIONS', `${JSON.stringify(text)} names no host: write [user@]host[:port]`);
  }
  const [, user, , , port] = match;
  return {
    host,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}
