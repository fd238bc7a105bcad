import { createHash, createHmac } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../errors.js';
import { globOf } from './openssh-config.js';

/** One line of a file of known hosts. */
interface KnownHost {
  readonly marker: string | undefined;
  readonly isOf: (name: string) => boolean;
  readonly type: string;
  readonly key: Buffer;
  /** `path:line`, for messages. */
  readonly place: string;
}

/** What the files say of a host's key. */
export type HostKeyVerdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed' | 'revoked'; readonly place: string };

/** The hosts that files know; a file that does not exist knows none. */
export interface KnownHosts {
  /** Types of the keys known for a host: it should be asked to show one of these. */
  typesOf(name: string): readonly string[];
  judge(name: string, key: Buffer): HostKeyVerdict;
  /** Whether only an authority that signs host keys is known: such certificates are not understood here. */
  knowsAuthorityOf(name: string): boolean;
}

/**
 * Reads files of known hosts. Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when a file is there and cannot be read
 */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHosts> {
  const lines = (await Promise.all(files.map(linesOf))).flat();
  const of = (name: string) => lines.filter(({ isOf, marker }) => marker === undefined && isOf(name));
  return {
    typesOf: (name) => [...new Set(of(name).map(({ type }) => type))],
    judge(name, key) {
      const same = (line: KnownHost) => line.key.equals(key);
      const revoked = lines.find((line) => line.marker === '@revoked' && line.isOf(name) && same(line));
      if (revoked !== undefined) return { kind: 'revoked', place: revoked.place };
      const known = of(name);
      if (known.some(same)) return { kind: 'known' };
      const [other] = known;
      return other === undefined ? { kind: 'unknown' } : { kind: 'changed', place: other.place };
    },
    knowsAuthorityOf: (name) => lines.some(({ marker, isOf }) => marker === '@cert-authority' && isOf(name)),
  };
}

/** Notes the key of a host at the end of a file, which is made where there is none. */
export async function noteKnownHost(file: string, name: string, key: Buffer): Promise<void> {
  const line = `${name} ${keyTypeOf(key)} ${key.toString('base64')}\n`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const before = await readFile(file, 'utf8').catch(() => '');
    await appendFile(file, before === '' || before.endsWith('\n') ? line : `\n${line}`, { mode: 0o600 });
  } catch (error) {
    throw new SluiceError('ACCESS_DENIED', `cannot note the key of ${name} in ${file}: ${String(error)}`, {
      cause: error,
    });
  }
}

/** As `ssh-keygen -l` shows it: `SHA256:` and the hash without padding. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type a public key says it is of. Source: RFC 4253, section 6.6. */
export function keyTypeOf(key: Buffer): string {
  return key.length < 4 ? '' : key.toString('latin1', 4, 4 + key.readUInt32BE(0));
}

async function linesOf(file: string): Promise<readonly KnownHost[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw new SluiceError('INVALID_OPTIONS', `cannot read ${file}: ${error.message}`, { cause: error });
  });
  return text.split(/\r?\n/).flatMap((line, index) => {
    const match = /^\s*(?:(@\S+)\s+)?([^\s#@]\S*)\s+(\S+)\s+([A-Za-z0-9+/=]+)/.exec(line);
    if (match === null) return [];
    const [, marker, names = '', type = '', key = ''] = match;
    return [{ marker, isOf: matcherOf(names), type, key: Buffer.from(key, 'base64'), place: `${file}:${index + 1}` }];
  });
}

function matcherOf(names: string): (name: string) => boolean {
  const hashed = /^\|1\|([^|]+)\|(.+)$/.exec(names);
  if (hashed !== null) {
    const [, salt = '', hash] = hashed;
    return (name) => createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  const patterns = names.split(',').map((pattern) => ({
    not: pattern.startsWith('!'),
    fits: globOf(pattern.replace(/^!/, '')),
  }));
  return (name) => {
    const fitting = patterns.filter(({ fits }) => fits.test(name));
    return fitting.length > 0 && fitting.every(({ not }) => !not);
  };
}
