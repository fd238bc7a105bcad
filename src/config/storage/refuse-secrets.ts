import { types } from 'node:util';
import { SluiceError } from '../../errors.js';

/** Option → how workers get it otherwise. */
export type SecretOptions = Readonly<Record<string, string>>;

/**
 * Refuses options that hold secrets, by their names: they would travel with every task.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, which names the option and what to do, and never its value
 */
export function refuseNamedSecrets(options: object, secrets: SecretOptions, what: string): void {
  const found = Object.keys(secrets).find((name) => (options as Record<string, unknown>)[name] !== undefined);
  if (found !== undefined) throw secretOption(what, found, secrets[found] ?? '');
}

/**
 * Refuses what looks like a secret anywhere in options that are not known: texts under such names, and passwords in URLs.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`, with the path
 */
export function refuseLikelySecrets(options: unknown, what: string): void {
  const found = findSecret(options, '', new Set());
  if (found === undefined) return;
  const way =
    'give the name of a variable of their environment (passwordVariable) or the path of a file there (tokenFile), and read that in the module';
  throw secretOption(what, found, way);
}

/** @throws {SluiceError} `INVALID_OPTIONS` for a URL with a password, or of the web with a query, where a signature may be */
export function refuseSecretUrl(url: string, what: string): void {
  if (/^[a-z0-9+.-]+:\/\/[^/?#]*@/i.test(url) && !/^(s3|gs):/.test(url)) {
    throw new SluiceError('INVALID_OPTIONS', `${what}: write its URL without user name and password`);
  }
  if (/^https?:[^?]*\?/.test(url)) throw new SluiceError('INVALID_OPTIONS', `${what}: write its URL without a query`);
}

function secretOption(what: string, name: string, way: string): SluiceError {
  return new SluiceError(
    'INVALID_OPTIONS',
    `${what}: \`${name}\` is a secret, and would travel with every task. Workers have secrets of their own: ${way}`,
  );
}

const SECRET =
  /passw(or)?d|passphrase|secret|token|bearer|authorization|cookie|credentials?$|api[-_]?key|access[-_]?key|private[-_]?key/i;
// Where one is, and not what it is.
const PLACE = /(file|path|variable|env|name|url)$/i;

function findSecret(value: unknown, path: string, seen: Set<object>): string | undefined {
  if (typeof value === 'string' || value instanceof URL) {
    return /^[a-z0-9+.-]+:\/\/[^/?#@\s]*:[^/?#@\s]+@/i.test(String(value)) ? path : undefined;
  }
  if (typeof value !== 'object' || value === null || seen.has(value) || types.isAnyArrayBuffer(value)) return undefined;
  if (ArrayBuffer.isView(value)) return undefined;
  seen.add(value);
  for (const [key, one] of value instanceof Map ? value : Object.entries(value)) {
    const below = path === '' ? String(key) : `${path}.${key}`;
    if (typeof one === 'string' && one !== '' && SECRET.test(String(key)) && !PLACE.test(String(key))) return below;
    const found = findSecret(one, below, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
