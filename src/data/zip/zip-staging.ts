import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { DataFile } from '../data-file.js';
import type { FileIdentity, ListedFile, Staging } from '../staging.js';
import { localFailure, newTemporaryName } from '../write-whole.js';
import type { ArchivePool } from './archive-pool.js';
import type { ArchiveWriter } from './archive-writer.js';
import type { OpenArchive } from './open-archive.js';
import type { MemberChange } from './rewrite-archive.js';
import {
  type ResolvedZipStagingOptions,
  resolveZipStagingOptions,
  type ZipStagingOptions,
  zipOptionsFrom,
} from './zip-staging-options.js';
import { parseZipUrl, problemOf, urlOfMember } from './zip-url.js';

/**
 * Staging of `zip:` URLs, members of archives on a disk that the worker sees: `zip:/path/archive.zip/name/inside`. Several
 * may be written to one archive at a time, by processes of any host that shares the disk.
 *
 * @param options Default: what `SLUICE_ZIP_OPTIONS` holds, as JSON, when the first file is moved.
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createZipStaging(options?: ZipStagingOptions): Staging {
  const given = options && resolveZipStagingOptions(options);
  let opened: Promise<Tools> | undefined;
  const tools = (): Promise<Tools> => {
    opened ??= loadTools(given ?? zipOptionsFrom(process.env));
    return opened;
  };
  const isOurs = ({ scheme }: DataFile) => scheme === 'zip';
  return {
    name: 'zip',
    schemes: ['zip'],
    capabilities: { stageOut: true, list: true, remove: true, identity: 'content' },
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, { suggestedPath, identity, ...watched }) {
      watched.signal.throwIfAborted();
      const { archive, member } = memberOf(file);
      const { pool, extractMember, identityOfEntry, limits } = await tools();
      const what = `read ${file.url}`;
      await pool.use(archive, what, async (open) => {
        const entry = open.find(member);
        if (entry === undefined) {
          throw new SluiceError('NOT_FOUND', `cannot ${what}: ${archive} has no member ${JSON.stringify(member)}`);
        }
        if (identity !== undefined && identity.tag !== identityOfEntry(entry).tag) {
          throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: it is not the file any more that was asked for`);
        }
        await extractMember(entry, { path: suggestedPath, what, limits, ...watched });
      });
      return suggestedPath;
    },
    async stageOut(file, source) {
      source.signal.throwIfAborted();
      const { archive, member } = memberOf(file);
      const { writer, packMember } = await tools();
      const what = `write ${file.url}`;
      return withPacked(archive, async (path) => {
        const identity = await packMember(member, source, { path, what });
        await writer.change(archive, [{ name: member, packed: path }], { what, signal: source.signal });
        return identity;
      });
    },
    async identity(file): Promise<FileIdentity | undefined> {
      const { archive, member } = memberOf(file);
      const { pool, identityOfEntry } = await tools();
      return ifThere(() =>
        pool.use(archive, `look at ${file.url}`, async (open) => {
          const entry = open.find(member);
          return entry && identityOfEntry(entry);
        }),
      );
    },
    async *list(folder, signal) {
      signal.throwIfAborted();
      const { archive, member } = parseZipUrl(folder.url);
      const { pool, identityOfEntry } = await tools();
      const found = await pool.use(archive, `list ${folder.url}`, async (open) =>
        filesBelow(folder, member, open, identityOfEntry),
      );
      for (const listed of found) {
        signal.throwIfAborted();
        yield listed;
      }
    },
    async remove(files, signal) {
      const byArchive = new Map<string, MemberChange[]>();
      for (const { archive, member } of files.map(memberOf)) {
        byArchive.set(archive, [...(byArchive.get(archive) ?? []), { name: member }]);
      }
      const { writer } = await tools();
      for (const [archive, changes] of byArchive) {
        if (!existsSync(archive)) continue;
        await writer.change(archive, changes, { what: `remove members of ${archive}`, signal });
      }
    },
    async close() {
      await (await opened)?.pool.close();
      opened = undefined;
    },
  };
}

interface Tools {
  readonly limits: ResolvedZipStagingOptions;
  readonly pool: ArchivePool;
  readonly writer: ArchiveWriter;
  readonly extractMember: typeof import('./extract-member.js').extractMember;
  readonly packMember: typeof import('./pack-member.js').packMember;
  readonly identityOfEntry: typeof import('./open-archive.js').identityOfEntry;
}

async function loadTools(limits: ResolvedZipStagingOptions): Promise<Tools> {
  const [{ createArchivePool }, { createArchiveWriter }, { extractMember }, { packMember }, { identityOfEntry }] =
    await Promise.all([
      import('./archive-pool.js'),
      import('./archive-writer.js'),
      import('./extract-member.js'),
      import('./pack-member.js'),
      import('./open-archive.js'),
    ]);
  const writer = createArchiveWriter(limits.lockTimeoutMs);
  return { limits, pool: createArchivePool(), writer, extractMember, packMember, identityOfEntry };
}

function memberOf(file: DataFile): { archive: string; member: string } {
  const place = parseZipUrl(file.url);
  if (!file.isFolder) return place;
  throw new SluiceError('INVALID_OPTIONS', `${file.url} is a folder: name the files in it`);
}

// Packed before the archive is locked, by as many at a time as there are outputs; the lock is for copying alone.
async function withPacked<T>(archive: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = dirname(archive);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw localFailure(`create the folder ${folder}`, error);
  });
  const path = join(folder, newTemporaryName());
  try {
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}

function filesBelow(
  folder: DataFile,
  prefix: string,
  { entries }: OpenArchive,
  identityOfEntry: Tools['identityOfEntry'],
): readonly ListedFile[] {
  const files = [...entries.values()].filter(({ filename, directory }) => !directory && filename.startsWith(prefix));
  return files.map((entry) => {
    const name = entry.filename.slice(prefix.length);
    // A name that leads out of its folder is nothing to leave out in silence.
    const problem = problemOf(entry.filename);
    if (problem !== undefined) {
      throw new SluiceError(
        'INVALID_OPTIONS',
        `cannot list ${folder.url}: the archive has a member that leads elsewhere: ${problem}`,
      );
    }
    return { file: new DataFile(urlOfMember(folder.url, name)), identity: identityOfEntry(entry) };
  });
}

async function ifThere<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
