import { SluiceError } from '../errors.js';
import type { HostSettings } from './host-settings.js';
import { fingerprintOf, type KnownHosts, keyTypeOf, noteKnownHost, readKnownHosts } from './known-hosts.js';

/** Decides whether a host is the one it should be. */
export interface HostKeyCheck {
  /** Algorithms to ask the host for, those of its known keys first. */
  readonly algorithms: readonly string[] | undefined;
  /** Resolves when the key may be trusted. @throws {SluiceError} `HOST_NOT_TRUSTED` with the fingerprint and what to do */
  check(key: Buffer): Promise<void>;
}

/** A check against the host's files of known hosts, as they are now. */
export async function createHostKeyCheck(settings: HostSettings, supported: readonly string[]): Promise<HostKeyCheck> {
  const known = await readKnownHosts(settings.knownHostsFiles);
  const types = known.typesOf(settings.knownAs).flatMap(algorithmsOf);
  const wanted = supported.filter((algorithm) => types.includes(algorithm));
  return {
    algorithms: wanted.length === 0 ? undefined : [...wanted, ...supported.filter((one) => !wanted.includes(one))],
    async check(key) {
      const verdict = known.judge(settings.knownAs, key);
      if (verdict.kind === 'known') return;
      const [file] = settings.knownHostsFiles;
      if (verdict.kind === 'unknown' && settings.acceptNew && file !== undefined) {
        await noteKnownHost(file, settings.knownAs, key);
        return;
      }
      throw new SluiceError('HOST_NOT_TRUSTED', `${settings.name}: ${reason(settings, known, key)}`);
    },
  };
}

// A key of RSA may sign with newer hashes than the one its type is named for. Source: RFC 8332.
function algorithmsOf(type: string): readonly string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type];
}

function reason({ host, port, knownAs, knownHostsFiles }: HostSettings, known: KnownHosts, key: Buffer): string {
  const verdict = known.judge(knownAs, key);
  const shown = `it shows the ${keyTypeOf(key)} key ${fingerprintOf(key)}`;
  switch (verdict.kind) {
    case 'revoked':
      return `${shown}, which ${verdict.place} says is revoked: do not connect, and ask its administrator`;
    case 'changed':
      return `${shown}, which is not the one at ${verdict.place}: somebody may be listening in. If its administrator confirms the new key, remove the old one: ssh-keygen -R '${knownAs}'`;
    default: {
      const authority = known.knowsAuthorityOf(knownAs) ? ' (host certificates are not understood here)' : '';
      const [file = '~/.ssh/known_hosts'] = knownHostsFiles;
      return `the host is in no file of known hosts${authority}; ${shown}. If its administrator confirms that: ssh-keyscan -p ${port} ${host} >> ${file}, or set hostKeys: 'accept-new'`;
    }
  }
}
