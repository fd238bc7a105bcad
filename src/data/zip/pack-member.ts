import { type FileHandle, open } from 'node:fs/promises';
import { ZipWriter } from '@zip.js/zip.js';
import { SluiceError } from '../../errors.js';
import { localIdentity } from '../local-file.js';
import type { FileIdentity, StageOutSource } from '../staging.js';
import { localFailure } from '../write-whole.js';
import { HandleReader } from './handle-reader.js';
import { identityOfEntry } from './open-archive.js';
import { zipFailure } from './zip-failure.js';

/**
 * Packs a local file as the only member of a new archive at `path`. `TRANSFER_FAILED` when it changes meanwhile.
 *
 * @param what names the step in errors
 */
export async function packMember(
  name: string,
  source: StageOutSource,
  { path, what }: { readonly path: string; readonly what: string },
): Promise<FileIdentity> {
  source.signal.throwIfAborted();
  const before = await localIdentity(source.path);
  const input = await open(source.path, 'r').catch((error: unknown) => {
    throw localFailure(`${what}: read ${source.path}`, error);
  });
  try {
    const output = await open(path, 'wx');
    try {
      const identity = await pack(name, { input, output, size: before.size }, source);
      if ((await localIdentity(source.path)).tag === before.tag) return identity;
      throw new SluiceError(
        'TRANSFER_FAILED',
        `${source.path} changed while it was being read: it is still being written`,
      );
    } finally {
      await output.close();
    }
  } catch (error) {
    throw zipFailure(what, error, source.signal);
  } finally {
    await input.close();
  }
}

interface Packing {
  readonly input: FileHandle;
  readonly output: FileHandle;
  readonly size: number;
}

async function pack(
  name: string,
  { input, output, size }: Packing,
  { signal, onProgress }: StageOutSource,
): Promise<FileIdentity> {
  const { mode, mtime } = await input.stat();
  const sink = createHandleSink(output, signal);
  const writer = new ZipWriter(sink.writable);
  try {
    const entry = await writer.add(name, new HandleReader(input, size, onProgress), {
      signal,
      lastModDate: mtime,
      unixMode: mode & 0o100777,
      // Deflate may make a file a little larger, and the header tells before that is known.
      zip64: size > LARGEST_WITHOUT_ZIP64,
    });
    await writer.close();
    return identityOfEntry({ crc32: entry.crc32 ?? 0, uncompressedSize: size });
  } catch (error) {
    throw sink.failure() ?? error;
  }
}

const LARGEST_WITHOUT_ZIP64 = 0xff00_0000;

/** What an archive is written through, into a file from its beginning; fails once `signal` is aborted. */
export function createHandleSink(
  handle: FileHandle,
  signal: AbortSignal,
): { readonly writable: WritableStream<Uint8Array>; failure(): unknown } {
  let failure: unknown;
  const writable = new WritableStream<Uint8Array>({
    async write(chunk) {
      try {
        signal.throwIfAborted();
        await handle.writeFile(chunk);
      } catch (error) {
        // Of what is thrown here, the library passes on no more than the message.
        failure = error;
        throw error;
      }
    },
  });
  return { writable, failure: () => failure };
}
