import { readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SluiceError } from '../../errors.js';
import type { ByteRange, ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { lengthOf } from '../../object-store/part-plan.js';
import { localIdentity } from '../local-file.js';
import { localFailure } from '../write-whole.js';

export interface UploadSource {
  readonly path: string;
  readonly signal?: AbortSignal;
  /** Told of bytes that have been read since it was told last: a part that is sent again counts once. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Copies a local file to an object, a large one in parts, as the store sees fit. A file that changes meanwhile is
 * `TRANSFER_FAILED`.
 */
export async function uploadFile(
  store: ObjectStore,
  key: string,
  { path, signal, onProgress }: UploadSource,
): Promise<ObjectInfo> {
  const before = await localIdentity(path);
  const options = signal === undefined ? {} : { signal };
  const info =
    before.size <= SMALL_BYTES
      ? await store.put(key, readSmall(path, onProgress), options)
      : await putLarge(store, key, before.size, { path, onProgress, ...options });
  const after = await localIdentity(path);
  if (after.tag === before.tag) return info;
  throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being read: it is still being written`);
}

async function putLarge(
  store: ObjectStore,
  key: string,
  size: number,
  { path, onProgress, ...options }: UploadSource,
): Promise<ObjectInfo> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw localFailure(`read ${path}`, error);
  });
  try {
    const read = async (range: ByteRange, spare?: Uint8Array) => {
      const bytes = await readRange(handle, range, path, spare);
      onProgress?.(bytes.byteLength);
      return bytes;
    };
    return await store.putParts(key, size, read, options);
  } finally {
    await handle.close();
  }
}

/** Up to this size, in bytes, reading a file takes less time than asking a thread for it, and its memory is not counted. */
const SMALL_BYTES = 1024 * 1024;

function readSmall(path: string, onProgress: UploadSource['onProgress']): Uint8Array {
  try {
    const bytes = readFileSync(path);
    onProgress?.(bytes.byteLength);
    return bytes;
  } catch (error) {
    throw localFailure(`read ${path}`, error);
  }
}

async function readRange(
  handle: FileHandle,
  range: ByteRange,
  path: string,
  spare: Uint8Array | undefined,
): Promise<Uint8Array> {
  const length = lengthOf(range);
  const buffer = spare !== undefined && spare.length >= length ? spare.subarray(0, length) : new Uint8Array(length);
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, range.start + filled);
    if (bytesRead === 0) throw new SluiceError('TRANSFER_FAILED', `${path} became shorter while it was being read`);
    filled += bytesRead;
  }
  return buffer;
}
