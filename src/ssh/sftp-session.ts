import type { FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';
import { messageOf, SluiceError } from '../errors.js';
import { connectionLost } from './ssh-errors.js';

/** What a server says of a file. */
export interface RemoteStats {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  /** Time of modification in whole seconds: the protocol has no finer one. */
  readonly mtime: number;
  /** Permission bits, as in 0o644. */
  readonly mode: number;
}

/** An entry of a folder; a link is not followed. */
export interface RemoteEntry {
  readonly name: string;
  readonly stats: RemoteStats;
}

/** An open file. Belongs to its session. */
export type SftpHandle = Buffer & { readonly sftpHandle?: never };

/**
 * SFTP on one channel; any number of requests may be under way. Paths are absolute, or relative to the user's home.
 *
 * Every method rejects with `NOT_FOUND`, `ACCESS_DENIED`, `TRANSFER_FAILED` (the server says no more than "failure"), or
 * with `SERVICE_FAILED` once the connection is lost. Nothing retries. Source: draft-ietf-secsh-filexfer-02.
 */
export interface SftpSession {
  /** Bytes that one request can read and write. */
  readonly maxReadBytes: number;
  readonly maxWriteBytes: number;
  /** Whether {@link replace} is atomic: the server has OpenSSH's posix-rename. */
  readonly replacesAtOnce: boolean;
  /** `create`: a new file, which must not exist; `write`: one that does; `mode` its permission bits. */
  open(path: string, how: 'read' | 'create' | 'write', mode?: number): Promise<SftpHandle>;
  close(handle: SftpHandle): Promise<void>;
  /** Resolves with the bytes read, at most `length`; 0 at the end of the file. */
  read(handle: SftpHandle, buffer: Buffer, length: number, position: number): Promise<number>;
  /** Writes the first `length` bytes of the buffer. */
  write(handle: SftpHandle, buffer: Buffer, length: number, position: number): Promise<void>;
  /** Of an open file, or of a path, links followed. */
  stat(of: SftpHandle | string): Promise<RemoteStats>;
  /** Entries of a folder, in pages as the server gives them, without `.` and `..`. */
  entries(path: string): AsyncIterable<readonly RemoteEntry[]>;
  makeFolder(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /**
   * Gives a file another name, replacing what has it: at once, or where the server cannot, in steps. Then there is a
   * moment in which nothing has the name, and the old file, `aside` meanwhile, comes back if the new one cannot have it.
   */
  replace(from: string, to: string, aside: string): Promise<void>;
  /** Bytes free for this user where a path is; `undefined` when the server cannot tell. */
  freeBytes(path: string): Promise<number | undefined>;
}

/** A session over ssh2's. @param name of the connection, for messages */
export function createSftpSession(sftp: SFTPWrapper, name: string): SftpSession {
  const known = sftp as SFTPWrapper & Internals;
  const has = (extension: string) => known._extensions?.[extension] !== undefined;
  let lost = false;
  const pending = new Set<(error: SluiceError) => void>();
  const onEnd = () => {
    lost = true;
    for (const reject of pending) reject(connectionLost(name));
    pending.clear();
  };
  sftp.on('end', onEnd).on('close', onEnd).on('error', onEnd);

  // What is asked of a channel that has ended is never answered, and never refused either.
  const ask = <T>(what: string, request: (done: (error?: Error | null, value?: T) => void) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (lost) return reject(connectionLost(name));
      pending.add(reject);
      try {
        request((error, value) => {
          pending.delete(reject);
          if (error) reject(failureOf(name, what, error));
          else resolve(value as T);
        });
      } catch (error) {
        pending.delete(reject);
        reject(failureOf(name, what, error));
      }
    });

  const session: SftpSession = {
    maxReadBytes: known._maxReadLen ?? SAFE_BYTES,
    maxWriteBytes: known._maxWriteLen ?? SAFE_BYTES,
    replacesAtOnce: has('posix-rename@openssh.com'),
    open: (path, how, mode) =>
      ask(`open ${path}`, (done) => sftp.open(path, FLAGS[how], mode === undefined ? {} : { mode }, done)),
    close: (handle) => ask('close a file', (done) => sftp.close(handle, done)),
    read: (handle, buffer, length, position) =>
      ask('read', (done) => sftp.read(handle, buffer, 0, length, position, done)),
    write: (handle, buffer, length, position) =>
      ask('write', (done) => sftp.write(handle, buffer, 0, length, position, done)),
    async stat(of) {
      const found = await ask<Stats>(typeof of === 'string' ? `look at ${of}` : 'look at an open file', (done) =>
        typeof of === 'string' ? sftp.stat(of, done) : sftp.fstat(of, done),
      );
      return statsOf(found);
    },
    async *entries(path) {
      const handle = await ask<Buffer>(`list ${path}`, (done) => sftp.opendir(path, done));
      try {
        for (;;) {
          const page = await ask<FileEntryWithStats[] | undefined>(`list ${path}`, (done) =>
            // The package takes the handle of a folder for its path.
            sftp.readdir(handle as unknown as string, (error, list) => (isEnd(error) ? done() : done(error, list))),
          );
          if (page === undefined) return;
          yield page.map(({ filename, attrs }) => ({ name: filename, stats: statsOf(attrs) }));
        }
      } finally {
        await session.close(handle).catch(() => undefined);
      }
    },
    makeFolder: (path) => ask(`create the folder ${path}`, (done) => sftp.mkdir(path, done)),
    remove: (path) => ask(`remove ${path}`, (done) => sftp.unlink(path, done)),
    async replace(from, to, aside) {
      const rename = (one: string, other: string) =>
        ask<void>(`give ${one} the name ${other}`, (done) => sftp.rename(one, other, done));
      if (session.replacesAtOnce) {
        await ask(`give ${from} the name ${to}`, (done) => sftp.ext_openssh_rename(from, to, done));
      } else await replaceInSteps({ ...session, rename }, { from, to, aside });
    },
    async freeBytes(path) {
      if (!has('statvfs@openssh.com')) return undefined;
      const found = await ask<FileSystem>(`look at the disk of ${path}`, (done) =>
        sftp.ext_openssh_statvfs(path, done),
      );
      return found.f_bavail * found.f_frsize;
    },
  };
  return session;
}

interface Renaming extends Pick<SftpSession, 'stat' | 'remove'> {
  rename(from: string, to: string): Promise<void>;
}

interface Steps {
  readonly from: string;
  readonly to: string;
  readonly aside: string;
}

// The protocol's own rename refuses a name that is taken.
async function replaceInSteps(session: Renaming, { from, to, aside }: Steps): Promise<void> {
  const refused = await session.rename(from, to).catch((error: unknown) => error);
  if (refused === undefined) return;
  // When an answer was lost before, the file may have the name already: then it must not step aside for itself.
  await session.stat(from);
  const { kind } = await session.stat(to).catch(() => {
    throw refused;
  });
  if (kind === 'folder') throw refused;
  await session.rename(to, aside);
  try {
    await session.rename(from, to);
  } catch (error) {
    await session.rename(aside, to);
    throw error;
  }
  await session.remove(aside);
}

interface Internals {
  readonly _maxReadLen?: number;
  readonly _maxWriteLen?: number;
  readonly _extensions?: Readonly<Record<string, string>>;
}

interface FileSystem {
  readonly f_bavail: number;
  readonly f_frsize: number;
}

// Source: draft-ietf-secsh-filexfer-02, section 3: every server takes packets of 34,000 bytes.
const SAFE_BYTES = 32 * 1024;

const FLAGS = { read: 'r', create: 'wx', write: 'r+' } as const;

function isEnd(error: Error | null | undefined): boolean {
  return error instanceof Error && 'code' in error && error.code === 1;
}

function statsOf(stats: Stats): RemoteStats {
  const { size, mtime, mode } = stats;
  const kind = stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : stats.isFile() ? 'file' : 'other';
  return { kind, size, mtime, mode: mode & 0o7777 };
}

// Source: draft-ietf-secsh-filexfer-02, section 7; OpenSSH's server answers a full disk and an existing name by 4.
const STATUS: Readonly<Record<number, { readonly code: string; readonly text: string }>> = {
  2: { code: 'NOT_FOUND', text: 'there is no such file or folder' },
  3: { code: 'ACCESS_DENIED', text: 'this user may not (check the permissions of the path)' },
  6: { code: 'SERVICE_FAILED', text: 'the connection was lost' },
  7: { code: 'SERVICE_FAILED', text: 'the connection was lost' },
  8: { code: 'INVALID_OPTIONS', text: 'the server does not know this operation' },
};

function failureOf(name: string, what: string, error: unknown): SluiceError {
  const status = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof status !== 'number') return connectionLost(name, error);
  const known = STATUS[status];
  const text = known?.text ?? `the server answers '${messageOf(error)}' and no more`;
  return new SluiceError(known?.code ?? 'TRANSFER_FAILED', `${name}: cannot ${what}: ${text}`, { cause: error });
}
