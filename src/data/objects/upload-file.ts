import { type FileHandle, open } from 'node:fs/promises';
import { SluiceError } from '../../errors.js';
import type { ByteRange, ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { lengthOf, PART_BYTES } from '../../object-store/part-plan.js';
import { localIdentity } from '../local-file.js';
import { localFailure } from '../write-whole.js';

export interface UploadSource {
  readonly path: string;
  readonly signal?: AbortSignal;
  /** Told of bytes that have been read since it was told last: a part that is sent again counts once. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Copies a local file to an object: in one request below 8 MiB, in parallel parts from there on. A file that changes
 * meanwhile is `TRANSFER_FAILED`.
 */
export async function uploadFile(
  store: ObjectStore,
  key: string,
  { path, signal, onProgress }: UploadSource,
): Promise<ObjectInfo> {
  const before = await localIdentity(path);
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw localFailure(`read ${path}`, error);
  });
  const options = signal === undefined ? {} : { signal };
  try {
    const read = async (range: ByteRange) => {
      const bytes = await readRange(handle, range, path);
      onProgress?.(bytes.byteLength);
      return bytes;
    };
    const info =
      before.size < PART_BYTES
        ? await store.put(key, await readSmall(read, before.size), options)
        : await store.putParts(key, before.size, read, options);
    const after = await localIdentity(path);
    if (after.tag === before.tag) return info;
    throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being read: it is still being written`);
  } finally {
    await handle.close();
  }
}

async function readSmall(read: (range: ByteRange) => Promise<Uint8Array>, size: number): Promise<Uint8Array> {
  return size === 0 ? new Uint8Array() : read({ start: 0, end: size - 1 });
}

async function readRange(handle: FileHandle, range: ByteRange, path: string): Promise<Uint8Array> {
  const buffer = new Uint8Array(lengthOf(range));
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, range.start + filled);
    if (bytesRead === 0) throw new SluiceError('TRANSFER_FAILED', `${path} became shorter while it was being read`);
    filled += bytesRead;
  }
  return buffer;
}
