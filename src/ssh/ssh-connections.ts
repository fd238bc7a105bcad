import type { Duplex } from 'node:stream';
import { type HostSettings, hostSettings } from './host-settings.js';
import type { SshAddress } from './ssh-address.js';
import { SshConnection } from './ssh-connection.js';
import { resolveSshOptions, type SshOptions } from './ssh-options.js';

/** Connections of one process, one a host and user, whatever they are used for. */
export interface SshConnections {
  /** The connection to a host; no I/O with the host itself. @throws {SluiceError} `INVALID_OPTIONS` */
  to(address: SshAddress): Promise<SshConnection>;
  /** Closes all of them. Idempotent. */
  close(): Promise<void>;
}

/** Connections that are made as the options, OpenSSH's files and its environment say. @throws {SluiceError} `INVALID_OPTIONS` */
export function createSshConnections(options: SshOptions = {}): SshConnections {
  const resolved = resolveSshOptions(options);
  const settings = new Map<string, Promise<HostSettings>>();
  const connections = new Map<string, SshConnection>();

  const settingsOf = (address: SshAddress): Promise<HostSettings> => {
    const key = JSON.stringify(address);
    const found = settings.get(key) ?? hostSettings(address, resolved);
    settings.set(key, found);
    // What could not be read may be mended.
    found.catch(() => settings.delete(key));
    return found;
  };

  /** Through the first of the jumps, which is reached through the ones before it. */
  const connectionOf = (host: HostSettings, jumps: readonly SshAddress[]): SshConnection => {
    const key = `${jumps.map((jump) => JSON.stringify(jump)).join()} ${host.name}`;
    const known = connections.get(key);
    if (known !== undefined) return known;
    const last = jumps.at(-1);
    const way =
      last === undefined
        ? undefined
        : async (): Promise<Duplex> => {
            const before = await settingsOf(last);
            const through = jumps.length > 1 ? jumps.slice(0, -1) : before.jumps;
            return connectionOf(before, through).tunnel(host.host, host.port);
          };
    const made = new SshConnection(host, resolved, way);
    connections.set(key, made);
    return made;
  };

  return {
    async to(address) {
      const host = await settingsOf(address);
      return connectionOf(host, host.jumps);
    },
    async close() {
      await Promise.all([...connections.values()].map((connection) => connection.close()));
    },
  };
}
