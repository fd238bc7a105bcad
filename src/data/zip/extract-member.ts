import { open } from 'node:fs/promises';
import type { FileEntry } from '@zip.js/zip.js';
import { SluiceError } from '../../errors.js';
import type { TransferOptions } from '../staging.js';
import { writeWhole } from '../write-whole.js';
import { zipFailure } from './zip-failure.js';
import type { ResolvedZipStagingOptions } from './zip-staging-options.js';

/** Where a member is unpacked to, and within which bounds. */
export interface Extraction extends TransferOptions {
  readonly path: string;
  /** Names the step in errors. */
  readonly what: string;
  readonly limits: ResolvedZipStagingOptions;
}

/**
 * Unpacks a member, with its permissions. `TRANSFER_FAILED` when it is not what the archive says of its size and
 * checksum; no byte beyond that size is written.
 */
export async function extractMember(entry: FileEntry, extraction: Extraction): Promise<void> {
  const { path, what, signal } = extraction;
  refuseUnfit(entry, extraction);
  try {
    await writeWhole(path, (temporaryPath) => unpack(entry, temporaryPath, extraction));
  } catch (error) {
    throw zipFailure(what, error, signal);
  }
}

async function unpack(entry: FileEntry, path: string, { what, signal, onProgress }: Extraction): Promise<void> {
  const handle = await open(path, 'wx');
  let written = 0;
  // Of what `write` throws, the library passes on no more than the message.
  let failure: unknown;
  const sink = new WritableStream<Uint8Array>({
    async write(chunk) {
      try {
        signal.throwIfAborted();
        written += chunk.byteLength;
        if (written > entry.uncompressedSize) throw otherSize(entry, what, 'more');
        await handle.writeFile(chunk);
        onProgress?.(chunk.byteLength);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  });
  try {
    await entry.getData(sink, { checkCrc32: true, signal });
    if (written !== entry.uncompressedSize) throw otherSize(entry, what, 'less');
    const { unixMode = 0 } = entry;
    if (unixMode !== 0) await handle.chmod((unixMode & 0o777) | 0o600);
  } catch (error) {
    throw failure ?? error;
  } finally {
    await handle.close();
  }
}

function refuseUnfit(entry: FileEntry, { what, limits }: Extraction): void {
  const { uncompressedSize: size, compressedSize } = entry;
  if (entry.encrypted)
    throw unfit(what, 'it is encrypted, and there is no password here: unpack it by a program that asks');
  if (entry.symlink) throw unfit(what, 'it is a symbolic link: name the file it leads to');
  if (size > limits.largestMemberBytes) {
    throw unfit(what, `it has ${size} bytes unpacked, more than largestMemberBytes (${limits.largestMemberBytes})`);
  }
  if (size > limits.largestRatio * Math.max(compressedSize, 1)) {
    throw unfit(
      what,
      `${compressedSize} bytes unpack to ${size}, more than largestRatio (${limits.largestRatio}) times as many: raise it if you trust the archive`,
    );
  }
}

function unfit(what: string, why: string): SluiceError {
  return new SluiceError('INVALID_OPTIONS', `cannot ${what}: ${why}`);
}

function otherSize({ uncompressedSize }: FileEntry, what: string, than: 'more' | 'less'): SluiceError {
  return new SluiceError(
    'TRANSFER_FAILED',
    `cannot ${what}: it unpacks to ${than} than the ${uncompressedSize} bytes that the archive declares`,
  );
}
