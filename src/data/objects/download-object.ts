import { open } from 'node:fs/promises';
import { SluiceError } from '../../errors.js';
import { releaseBlock } from '../../http/blocks.js';
import type { GetOptions, ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { localFailure, writeSmall, writeWhole } from '../write-whole.js';
import { downloadParts } from './download-parts.js';

/** Up to this size, in bytes, an object is gathered in memory and written at once. */
const SMALL_BYTES = 1024 * 1024;

export interface DownloadOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  /** The version that is wanted. Default: the present one. */
  readonly etag?: string | undefined;
  /** Whether the file has to be on the disk, not only in the system's memory, before it gets its name. Default: false. */
  readonly durable?: boolean | undefined;
  /** Told of bytes that have come since it was told last. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Copies an object to a local file, large ones in parallel parts, and resolves with what was copied. The file appears whole
 * or not at all; an object that is replaced meanwhile, or that is not what its checksum says, is `TRANSFER_FAILED`.
 */
export async function downloadObject(store: ObjectStore, key: string, options: DownloadOptions): Promise<ObjectInfo> {
  const { path, etag, durable = false, signal } = options;
  // One request tells the size and carries all of most objects.
  const opened = await openWhole(store, key, { signal, ...(etag !== undefined && { ifMatch: etag }) });
  if (opened.info.size <= SMALL_BYTES && !durable) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.chunks) chunks.push(chunk);
    signal.throwIfAborted();
    await writeSmall(path, chunks);
    for (const chunk of chunks) releaseBlock(chunk);
    options.onProgress?.(opened.info.size);
    return opened.info;
  }
  return writeWhole(path, async (temporaryPath) => {
    const handle = await open(temporaryPath, 'wx').catch((error: unknown) => {
      throw localFailure(`write ${path}`, error);
    });
    try {
      await downloadParts(store, opened, handle, options);
      if (durable) await handle.sync();
      return opened.info;
    } finally {
      await handle.close();
    }
  });
}

async function openWhole(store: ObjectStore, key: string, options: GetOptions): ReturnType<ObjectStore['getStream']> {
  try {
    return await store.getStream(key, options);
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'PRECONDITION_FAILED')) throw error;
    const text = `read ${store.url}/${key}: it is not the object any more that was asked for`;
    throw new SluiceError('TRANSFER_FAILED', text, { cause: error });
  }
}
