import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { isOwnerAlive, uniqueName } from '../../run/owner.js';
import { isPrivateFolder } from '../../run/private-folder.js';
import { makeFolder } from '../write-whole.js';
import { type CacheSettings, userId } from './cache-settings.js';

/**
 * The folder of one machine's and user's cache. Everything in it is made by one system call and understood without any
 * other record, so that whoever is killed, at whatever point, leaves nothing that stops the others:
 *
 * - `entries/<key>-<size>/` is one content: `content/` once it is whole, `filling` (a link that names who fetches it)
 *   until then, and a file in `pins/` for each task that has it.
 * - `filling/` and `trash/` have what is being fetched and thrown away; names there begin with their owner's.
 */
export interface CacheFolder {
  readonly path: string;
  readonly entries: string;
  /** A path in `filling/` or `trash/` that nobody else has. */
  own(kind: OwnedKind): string;
  /** Creates what is not there, whoever removed it. */
  ensure(): void;
  /** Removes what is in `filling/` and `trash/` and whose owner is gone. */
  sweep(): Promise<void>;
}

type OwnedKind = 'filling' | 'trash';

// The layout's version: another one has another folder.
const VERSION = 1;

/** The folder of this machine and user below `settings.directory`, not yet made. `owner`: who it is used by. */
export function cacheFolder({ directory, isGuessable }: CacheSettings, owner: string): CacheFolder {
  // Machines that share a directory cannot tell whether each other's processes live, and links between them may not hold.
  const path = join(directory, `${hostname()}-${userId()}-v${VERSION}`);
  const entries = join(path, 'entries');
  return {
    path,
    entries,
    own: (kind) => join(path, kind, uniqueName(owner)),
    ensure() {
      for (const folder of [entries, join(path, 'filling'), join(path, 'trash')]) makeFolder(folder, 0o700);
      for (const folder of isGuessable ? [directory, path] : [path]) refuseForeign(folder);
    },
    async sweep() {
      for (const kind of ['filling', 'trash'] as const) {
        const names = await readdir(join(path, kind)).catch(() => []);
        const left = names.filter((name) => !isOwnerAlive(name));
        await Promise.all(left.map((name) => rm(join(path, kind, name), { recursive: true, force: true })));
      }
    },
  };
}

/** Name of the entry of a content. `key`: hexadecimal. */
export function entryName(key: string, size: number): string {
  return `${key}-${size}`;
}

/** The size that an entry's name tells; NaN for a name that is none of an entry. */
export function sizeIn(name: string): number {
  return Number(/^[0-9a-f]+-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
}

// Whoever can write there could give tasks other bytes.
function refuseForeign(folder: string): void {
  if (isPrivateFolder(folder)) return;
  throw new SluiceError(
    'ACCESS_DENIED',
    `${folder} is not a folder that this user alone can write to: remove it, or name another one by SLUICE_CACHE_DIR`,
  );
}
