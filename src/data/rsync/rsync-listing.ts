import { SluiceError } from '../../errors.js';
import type { FileIdentity } from '../staging.js';
import { isTemporaryName } from '../write-whole.js';

/** One line of `rsync --list-only`. */
export interface RsyncEntry {
  readonly kind: 'file' | 'folder' | 'other';
  /** Below the root. */
  readonly path: string;
  readonly identity: FileIdentity;
}

/**
 * Reads what `rsync --list-only --no-human-readable` writes in the locale C and the time zone UTC. Files that are just
 * being written by Sluice are left out.
 *
 * @throws {SluiceError} `PROTOCOL` for a line that is not understood
 */
export function parseListing(text: string): readonly RsyncEntry[] {
  const lines = text.split('\n').filter((line) => /^[a-z-][rwxstST-]{9}/.test(line));
  return lines.flatMap((line) => {
    const [, mode, size, date, time, name] =
      /^([a-z-])[rwxstST-]{9}[.+]? +([\d,]+) (\d{4}\/\d\d\/\d\d) (\d\d:\d\d:\d\d) (.*)$/.exec(line) ?? [];
    if (size === undefined || date === undefined || name === undefined) {
      throw new SluiceError('PROTOCOL', `rsync lists ${JSON.stringify(line)}, which is not understood`);
    }
    const bytes = Number(size.replaceAll(',', ''));
    const seconds = Date.parse(`${date.replaceAll('/', '-')}T${time}Z`) / 1_000;
    const path = unescaped(name).replace(/^\.\//, '');
    if (isTemporaryName(path.slice(path.lastIndexOf('/') + 1))) return [];
    const kind = mode === '-' ? 'file' : mode === 'd' ? 'folder' : 'other';
    return [{ kind, path, identity: identityOf(seconds, bytes) }];
  });
}

/** Identity of a file: whole seconds of its time of modification, and its size. */
export function identityOf(seconds: number, size: number): FileIdentity {
  return { tag: `${seconds}-${size}`, size };
}

// Source: rsync(1), "--8-bit-output": what is not printable in the locale is written \#ooo, and so is a backslash before #ooo.
function unescaped(name: string): string {
  const bytes = name.replace(/\\#(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
