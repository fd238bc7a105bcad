import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { messageOf, SluiceError } from '../errors.js';

/** What OpenSSH's client configuration says of one host, by lower-case keyword; the first value obtained is the one. */
export type HostConfig = ReadonlyMap<string, readonly string[]>;

/**
 * Computes the settings of a host from configuration files, which need not exist.
 *
 * Source: ssh_config(5). Understood are `Host`, `Match` and `Include` (a `Host` within a file that is included within
 * another `Host` counts whether or not the outer one matches).
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when a file cannot be read or parsed
 */
export async function readHostConfig(host: string, files: readonly string[]): Promise<HostConfig> {
  const texts = await Promise.all(files.map((path) => textOf(path, 0)));
  const text = texts.join(`\n${EVERYWHERE}\n`);
  const { default: SSHConfig } = await import('ssh-config');
  try {
    // The package adds the pattern that matched, which is no setting.
    const { host: _, ...computed } = SSHConfig.parse(text).compute(host, { ignoreCase: true });
    return new Map(Object.entries(computed).map(([key, value]) => [key, Array.isArray(value) ? value : [value]]));
  } catch (error) {
    throw new SluiceError('INVALID_OPTIONS', `${files.join(', ')}: ${messageOf(error)}`, { cause: error });
  }
}

/** `~` and `~/…` are the user's home. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

const EVERYWHERE = 'Host *';
// Source: readconf.c, READCONF_MAX_DEPTH.
const DEEPEST_INCLUDE = 16;

async function textOf(path: string, depth: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw new SluiceError('INVALID_OPTIONS', `cannot read ${path}: ${error.message}`, { cause: error });
  });
  const lines: string[] = [];
  // What follows an included file belongs to the section it was included in, whatever sections that file has.
  let section = EVERYWHERE;
  for (const line of text.split(/\r?\n/)) {
    const [, keyword = '', value = ''] = /^\s*(\w+)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    if (/^(host|match)$/i.test(keyword)) section = line;
    if (!/^include$/i.test(keyword)) lines.push(line);
    else lines.push(await included(value, { beside: dirname(path), depth: depth + 1 }), section);
  }
  return lines.join('\n');
}

async function included(patterns: string, { beside, depth }: { beside: string; depth: number }): Promise<string> {
  if (depth > DEEPEST_INCLUDE) throw new SluiceError('INVALID_OPTIONS', `${beside}: Include goes round in a circle`);
  const texts: string[] = [];
  for (const [, quoted, plain] of patterns.matchAll(/"([^"]*)"|(\S+)/g)) {
    const pattern = expandHome(quoted ?? plain ?? '');
    const absolute = isAbsolute(pattern) ? pattern : join(beside, pattern);
    for (const path of await matching(absolute)) texts.push(await textOf(path, depth));
  }
  return texts.join(`\n${EVERYWHERE}\n`);
}

/** Files whose last segment fits a pattern with `*` and `?`, in order of their names. */
async function matching(pattern: string): Promise<readonly string[]> {
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const folder = dirname(pattern);
  const names = await readdir(folder).catch(() => []);
  const fits = globOf(name);
  return names
    .filter((one) => !one.startsWith('.') && fits.test(one))
    .sort()
    .map((one) => join(folder, one));
}

/** A pattern of `*` and `?`, as in ssh_config(5) and in known_hosts. */
export function globOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is');
}
