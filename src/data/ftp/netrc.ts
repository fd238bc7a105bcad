import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';

/** Who somebody is to a host. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Credentials for a host from a file as `ftp`, `curl` and others read it; `undefined` when it has none. Source: netrc(5).
 *
 * @param file default: `NETRC`, else `~/.netrc`; it need not exist
 * @throws {SluiceError} `INVALID_OPTIONS` when the file is there and cannot be read
 */
export async function netrcCredentials(
  host: string,
  {
    user,
    file = process.env.NETRC || join(homedir(), '.netrc'),
  }: { user?: string | undefined; file?: string | undefined },
): Promise<Credentials | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw new SluiceError('INVALID_OPTIONS', `cannot read ${file}: ${error.message}`, { cause: error });
  });
  const entries = parseNetrc(text);
  const found = entries.find(
    (entry) => (entry.machine === host || entry.machine === undefined) && (user === undefined || entry.login === user),
  );
  if (found?.login === undefined) return undefined;
  return { user: found.login, password: found.password ?? '' };
}

interface Entry {
  /** Absent: every machine. */
  readonly machine: string | undefined;
  login?: string;
  password?: string;
}

function parseNetrc(text: string): readonly Entry[] {
  // A macro ends with an empty line.
  const plain = text.replace(/^\s*macdef\b[\s\S]*?(?:\r?\n\r?\n|(?![\s\S]))/gm, '\n').replace(/^\s*#.*$/gm, '');
  const words = [...plain.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, word]) =>
    quoted === undefined ? (word ?? '') : quoted.replace(/\\(.)/g, '$1'),
  );
  const entries: Entry[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const entry = entries.at(-1);
    if (words[at] === 'machine') entries.push({ machine: words[++at] });
    else if (words[at] === 'default') entries.push({ machine: undefined });
    else if (words[at] === 'login' && entry !== undefined) entry.login = words[++at] ?? '';
    else if (words[at] === 'password' && entry !== undefined) entry.password = words[++at] ?? '';
    else if (words[at] === 'account') at += 1;
  }
  return entries;
}
