import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../../errors.js';
import { localFailure } from '../write-whole.js';

/** Bytes gathered for one write to disk. */
const WRITE_BYTES = 1024 * 1024;

/** A local file that is written in several places at a time. */
export interface FileSink {
  /** A writer of the bytes from `position` on. */
  from(position: number): SpanWriter;
  /** Bytes that have been written. */
  readonly written: number;
  /** Empties it, to begin again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Writes bytes one after the other, gathered. Rejects with `TRANSFER_FAILED` when the disk is full. */
export interface SpanWriter {
  /** Where the next byte belongs, and so how far all bytes before have come. */
  readonly position: number;
  append(chunk: Uint8Array): Promise<void> | undefined;
  flush(): Promise<void>;
}

/** Creates the file `path`, which must not exist. `what` names the transfer in errors; `onProgress` is told of bytes written. */
export async function openFileSink(
  path: string,
  { what, onProgress }: { readonly what: string; readonly onProgress?: ((bytes: number) => void) | undefined },
): Promise<FileSink> {
  const fail = (error: unknown) => localFailure(`keep a copy in ${dirname(path)} (${what})`, error);
  const handle = await open(path, 'wx').catch((error: unknown) => {
    throw fail(error);
  });
  let written = 0;
  const write = async (chunks: readonly Uint8Array[], position: number, bytes: number): Promise<void> => {
    await writeAll(handle, chunks, position, bytes).catch((error: unknown) => {
      throw fail(error);
    });
    written += bytes;
    onProgress?.(bytes);
  };
  return {
    get written() {
      return written;
    },
    from: (position) => createWriter(position, write),
    async restart() {
      await handle.truncate(0).catch((error: unknown) => {
        throw fail(error);
      });
      onProgress?.(-written);
      written = 0;
    },
    close: () => handle.close(),
  };
}

function createWriter(
  start: number,
  write: (chunks: readonly Uint8Array[], position: number, bytes: number) => Promise<void>,
): SpanWriter {
  let position = start;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const writer: SpanWriter = {
    get position() {
      return position;
    },
    append(chunk) {
      position += chunk.length;
      waitingBytes += chunk.length;
      waiting.push(chunk);
      return waitingBytes >= WRITE_BYTES ? writer.flush() : undefined;
    },
    async flush() {
      if (waitingBytes === 0) return;
      const chunks = waiting;
      const bytes = waitingBytes;
      waiting = [];
      waitingBytes = 0;
      await write(chunks, position - bytes, bytes);
    },
  };
  return writer;
}

async function writeAll(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  position: number,
  bytes: number,
): Promise<void> {
  const { bytesWritten } = await handle.writev(chunks, position);
  if (bytesWritten === bytes) return;
  // A short write is how a full disk shows first; the next one says why.
  const rest = Buffer.concat(chunks).subarray(bytesWritten);
  for (let done = 0; done < rest.length; ) {
    const more = await handle.write(rest, done, rest.length - done, position + bytesWritten + done);
    if (more.bytesWritten === 0) throw new SluiceError('TRANSFER_FAILED', 'the disk takes no more bytes');
    done += more.bytesWritten;
  }
}
