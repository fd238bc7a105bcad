import { type FileHandle, open } from 'node:fs/promises';
import { posix } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { SftpHandle, SftpSession } from '../../ssh/sftp-session.js';
import type { SshConnection } from '../../ssh/ssh-connection.js';
import { localIdentity } from '../local-file.js';
import type { FileIdentity, StageOutSource } from '../staging.js';
import { localFailure, newTemporaryName } from '../write-whole.js';
import { createRemoteFile, type RemoteFile, watchingSilence } from './remote-file.js';
import { type Chunk, moveChunks } from './sftp-chunks.js';
import { SILENT_MS } from './sftp-download.js';
import { makeFolders } from './sftp-folders.js';
import { explainRefusal, giveName } from './sftp-naming.js';
import { identityOf, isMissing, requesting } from './sftp-requests.js';

export interface UploadTarget {
  readonly connection: SshConnection;
  readonly path: string;
  /** URL of the file, for messages. */
  readonly url: string;
}

/**
 * Copies a local file to a host, many writes under way at a time, and with its permissions: under a temporary name
 * beside the final one, which it is given at the end. A local file that changes meanwhile is `TRANSFER_FAILED`.
 */
export async function uploadFile(target: UploadTarget, source: StageOutSource): Promise<FileIdentity> {
  const what = `write ${target.url}`;
  source.signal.throwIfAborted();
  const before = await localIdentity(source.path);
  const local = await open(source.path, 'r').catch((error: unknown) => {
    throw localFailure(`read ${source.path}`, error);
  });
  try {
    const { mode } = await local.stat();
    const temporaryPath = posix.join(posix.dirname(target.path), newTemporaryName());
    return await watchingSilence({ what, signal: source.signal, silentMs: SILENT_MS }, (signal, moved) =>
      writeRemote({ ...target, what, temporaryPath, mode: mode & 0o777, signal }, async (remote) => {
        const onMoved = (bytes: number) => {
          moved();
          source.onProgress?.(bytes);
        };
        await sendChunks(remote, local, { what, path: source.path, size: before.size, signal, onMoved });
        const after = await localIdentity(source.path);
        if (after.tag === before.tag) return before.size;
        throw new SluiceError(
          'TRANSFER_FAILED',
          `${source.path} changed while it was being read: it is still being written`,
        );
      }),
    );
  } finally {
    await local.close();
  }
}

interface Writing extends UploadTarget {
  readonly what: string;
  readonly temporaryPath: string;
  readonly mode: number;
  readonly signal: AbortSignal;
}

/** Lets `send` fill the temporary file, and gives it its name once it has the size that `send` resolves with. */
async function writeRemote(writing: Writing, send: (remote: SendingFile) => Promise<number>): Promise<FileIdentity> {
  const { connection, what, temporaryPath, signal } = writing;
  const remote = createSendingFile(writing);
  try {
    const size = await send(remote);
    const stats = await remote.use((session, handle) => session.stat(handle), signal);
    if (stats.size !== size) {
      throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: ${stats.size} bytes arrived of ${size}`);
    }
    await remote.close(signal);
    const identity = identityOf(stats);
    await giveName(writing, identity);
    return identity;
  } catch (error) {
    remote.release();
    const cleanUp = { what: `remove ${temporaryPath}`, policy: CLEAN_UP };
    // Where the host cannot be reached any more, the first error says so; lists leave such files out.
    await requesting(connection, cleanUp, (session) => session.remove(temporaryPath)).catch(() => undefined);
    throw error;
  }
}

// Whoever gave up does not wait long for a host that may be gone.
const CLEAN_UP = { attempts: 2, baseDelayMs: 100, maxDelayMs: 1_000, deadlineMs: 5_000 };

interface SendingFile extends RemoteFile {
  readonly folder: string;
  /** To be told where each chunk that the server took ends. */
  wrote(end: number): void;
}

function createSendingFile({ connection, path, what, temporaryPath, mode }: Writing): SendingFile {
  let written = 0;
  const create = async (session: SftpSession): Promise<SftpHandle> => {
    try {
      return await session.open(temporaryPath, 'create', mode);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await makeFolders(session, posix.dirname(path));
      return session.open(temporaryPath, 'create', mode);
    }
  };
  let tried = false;
  const remote = createRemoteFile(connection, {
    async open(session, isFirst) {
      const wasTried = tried;
      tried = true;
      if (!isFirst) return session.open(temporaryPath, 'write');
      // It may have been created by a request whose answer was lost.
      return wasTried ? session.open(temporaryPath, 'write').catch(() => create(session)) : create(session);
    },
    inspect({ size }) {
      if (size >= written) return;
      throw new SluiceError(
        'TRANSFER_FAILED',
        `cannot ${what}: the server has ${size} bytes of the ${written} it took`,
      );
    },
  });
  return {
    ...remote,
    folder: posix.dirname(path),
    wrote: (end) => {
      written = Math.max(written, end);
    },
  };
}

interface Sending {
  readonly what: string;
  /** Of the local file. */
  readonly path: string;
  readonly size: number;
  readonly signal: AbortSignal;
  readonly onMoved: (bytes: number) => void;
}

async function sendChunks(remote: SendingFile, local: FileHandle, sending: Sending): Promise<void> {
  const { what, path, size, signal, onMoved } = sending;
  // Also an empty file has to be created, and the server to say what it takes at once.
  const chunkBytes = await remote.use(async ({ maxWriteBytes }) => maxWriteBytes, signal);
  await moveChunks({ size, chunkBytes, signal }, async (chunk, buffer, stop) => {
    await readChunk(local, buffer, chunk, path);
    await remote.use(async (session, handle) => {
      await session.write(handle, buffer, chunk.length, chunk.start).catch(async (error: unknown) => {
        throw await explainRefusal(session, remote.folder, { what, error });
      });
    }, stop);
    remote.wrote(chunk.start + chunk.length);
    onMoved(chunk.length);
  });
}

async function readChunk(local: FileHandle, buffer: Buffer, { start, length }: Chunk, path: string): Promise<void> {
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await local.read(buffer, filled, length - filled, start + filled).catch((error: unknown) => {
      throw localFailure(`read ${path}`, error);
    });
    if (bytesRead === 0) throw new SluiceError('TRANSFER_FAILED', `${path} became shorter while it was being read`);
    filled += bytesRead;
  }
}
