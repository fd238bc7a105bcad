import { type FileHandle, open } from 'node:fs/promises';
import { SluiceError } from '../../errors.js';
import type { RemoteStats } from '../../ssh/sftp-session.js';
import type { SshConnection } from '../../ssh/ssh-connection.js';
import type { FileIdentity, StageInTarget } from '../staging.js';
import { localFailure, writeWhole } from '../write-whole.js';
import { createRemoteFile, type RemoteFile, watchingSilence } from './remote-file.js';
import { type Chunk, moveChunks } from './sftp-chunks.js';
import { identityOf } from './sftp-requests.js';

export interface DownloadSource {
  readonly connection: SshConnection;
  readonly path: string;
  /** URL of the file, for messages. */
  readonly url: string;
}

/** Nothing of a file may move for so long before its transfer counts as dead. */
export const SILENT_MS = 120_000;

/**
 * Copies a file of a host to a local one, many reads under way at a time, and with the permissions it has there. It
 * appears whole or not at all; a file that changes meanwhile is `TRANSFER_FAILED`.
 */
export function downloadFile(source: DownloadSource, target: StageInTarget): Promise<void> {
  const what = `read ${source.url}`;
  return watchingSilence({ what, signal: target.signal, silentMs: SILENT_MS }, async (signal, moved) => {
    let first: RemoteStats | undefined;
    const remote = createRemoteFile(source.connection, {
      open: (session) => session.open(source.path, 'read'),
      inspect: (stats) => {
        assertSame(what, stats, { first, wanted: target.identity });
        first ??= stats;
      },
    });
    try {
      await writeWhole(target.suggestedPath, async (temporaryPath) => {
        const { chunkBytes } = await remote.use(async ({ maxReadBytes }) => ({ chunkBytes: maxReadBytes }), signal);
        const stats = first as RemoteStats;
        const local = await open(temporaryPath, 'wx', stats.mode & 0o777).catch((error: unknown) => {
          throw localFailure(`write ${target.suggestedPath}`, error);
        });
        try {
          const onMoved = (bytes: number) => {
            moved();
            target.onProgress?.(bytes);
          };
          await copyChunks(remote, local, { what, size: stats.size, chunkBytes, signal, onMoved });
          await remote.use(async (session, handle) => {
            assertSame(what, await session.stat(handle), { first, wanted: undefined });
          }, signal);
        } finally {
          await local.close();
        }
      });
    } finally {
      remote.release();
    }
  });
}

function assertSame(
  what: string,
  stats: RemoteStats,
  { first, wanted }: { readonly first: RemoteStats | undefined; readonly wanted: FileIdentity | undefined },
): void {
  if (stats.kind !== 'file') {
    const kind = stats.kind === 'folder' ? 'a folder: name the files in it, or end the URL in /' : 'no regular file';
    throw new SluiceError('INVALID_OPTIONS', `cannot ${what}: it is ${kind}`);
  }
  const { tag } = identityOf(stats);
  if (wanted !== undefined && tag !== wanted.tag) {
    throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: it is not the file any more that was asked for`);
  }
  if (first !== undefined && tag !== identityOf(first).tag) {
    throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: the file changed while it was being read`);
  }
}

interface Copying {
  readonly what: string;
  readonly size: number;
  readonly chunkBytes: number;
  readonly signal: AbortSignal;
  readonly onMoved: (bytes: number) => void;
}

async function copyChunks(
  remote: RemoteFile,
  local: FileHandle,
  { what, size, chunkBytes, signal, onMoved }: Copying,
): Promise<void> {
  await moveChunks({ size, chunkBytes, signal }, async (chunk, buffer, stop) => {
    await fill(remote, buffer, chunk, { what, signal: stop });
    await keep(local, buffer, chunk, what);
    onMoved(chunk.length);
  });
}

async function fill(
  remote: RemoteFile,
  buffer: Buffer,
  { start, length }: Chunk,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
): Promise<void> {
  for (let filled = 0; filled < length; ) {
    const rest = filled === 0 ? buffer : buffer.subarray(filled);
    const got = await remote.use(
      (session, handle) => session.read(handle, rest, length - filled, start + filled),
      signal,
    );
    if (got === 0) {
      throw new SluiceError('TRANSFER_FAILED', `cannot ${what}: the file ended early, at byte ${start + filled}`);
    }
    filled += got;
  }
}

async function keep(local: FileHandle, buffer: Buffer, { start, length }: Chunk, what: string): Promise<void> {
  for (let kept = 0; kept < length; ) {
    const { bytesWritten } = await local.write(buffer, kept, length - kept, start + kept).catch((error: unknown) => {
      throw localFailure(`keep what was ${what}`, error);
    });
    kept += bytesWritten;
  }
}
