import { type FileHandle, open } from 'node:fs/promises';
import { SluiceError } from '../../errors.js';
import type { ByteRange, ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { lengthOf, planParts } from '../../object-store/part-plan.js';
import { runParallel } from '../../object-store/run-parallel.js';
import { localFailure, writeWhole } from '../write-whole.js';

/** Parts of one download in flight at a time. */
const PARALLEL_PARTS = 4;
/** Bytes gathered for one write to disk. */
const WRITE_BYTES = 1024 * 1024;

export interface DownloadOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  /** The version that is wanted. Default: the present one. */
  readonly etag?: string | undefined;
  /** Told of bytes that have come since it was told last. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Copies an object to a local file, parts in parallel, and resolves with what was copied. The file appears whole or not
 * at all; an object that is replaced meanwhile is `TRANSFER_FAILED`, never a mixture.
 */
export async function downloadObject(store: ObjectStore, key: string, options: DownloadOptions): Promise<ObjectInfo> {
  const { path } = options;
  return writeWhole(path, async (temporaryPath) => {
    const handle = await open(temporaryPath, 'wx').catch((error: unknown) => {
      throw localFailure(`write ${path}`, error);
    });
    try {
      return await fill(handle, store, key, options);
    } finally {
      await handle.close();
    }
  });
}

async function fill(
  handle: FileHandle,
  store: ObjectStore,
  key: string,
  { etag, signal, onProgress }: DownloadOptions,
): Promise<ObjectInfo> {
  // One request tells the size and carries the first part, which is all of most objects.
  const { info, chunks } = await openWhole(store, key, etag, signal);
  const name = `${store.url}/${key}`;
  await handle.truncate(info.size);
  const [first = { start: 0, end: -1 }, ...others] = planParts(info.size);
  await runParallel([first, ...others], { limit: PARALLEL_PARTS, signal }, async (range, stop) => {
    const part = range === first ? chunks : await openPart(store, info, range, stop);
    await writePart(handle, part, { range, signal: stop, name, onProgress });
  });
  return info;
}

async function openWhole(
  store: ObjectStore,
  key: string,
  etag: string | undefined,
  signal: AbortSignal,
): ReturnType<ObjectStore['getStream']> {
  if (etag === undefined) return store.getStream(key, { signal });
  try {
    return await store.getStream(key, { ifMatch: etag, signal });
  } catch (error) {
    throw changed(
      error,
      /^PRECONDITION_FAILED$/,
      `${store.url}/${key}: it is not the object any more that was asked for`,
    );
  }
}

async function openPart(
  store: ObjectStore,
  { key, etag }: ObjectInfo,
  range: ByteRange,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  try {
    return (await store.getStream(key, { range, ifMatch: etag, signal })).chunks;
  } catch (error) {
    throw changed(
      error,
      /^(PRECONDITION_FAILED|NOT_FOUND)$/,
      `${store.url}/${key}: the object changed while it was being read`,
    );
  }
}

function changed(error: unknown, codes: RegExp, text: string): unknown {
  if (!(error instanceof SluiceError && codes.test(error.code))) return error;
  return new SluiceError('TRANSFER_FAILED', `read ${text}`, { cause: error });
}

interface Part {
  readonly range: ByteRange;
  readonly signal: AbortSignal;
  /** URL of the object, for errors. */
  readonly name: string;
  readonly onProgress: DownloadOptions['onProgress'];
}

async function writePart(
  handle: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  { range, signal, name, onProgress }: Part,
): Promise<void> {
  const length = lengthOf(range);
  let received = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = async () => {
    await writeAt(handle, waiting, range.start + received - waitingBytes, name);
    onProgress?.(waitingBytes);
    waiting = [];
    waitingBytes = 0;
  };
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    // The first part's stream goes on to the object's end.
    const part = chunk.subarray(0, length - received);
    received += part.length;
    waitingBytes += part.length;
    waiting.push(part);
    if (waitingBytes >= WRITE_BYTES) await flush();
    if (part.length < chunk.length) break;
  }
  await flush();
  if (received === length) return;
  throw new SluiceError(
    'TRANSFER_FAILED',
    `read ${name}: ${received} bytes came of the ${length} from ${range.start} on`,
  );
}

async function writeAt(
  handle: FileHandle,
  chunks: readonly Uint8Array[],
  position: number,
  name: string,
): Promise<void> {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (bytes === 0) return;
  const { bytesWritten } = await handle.writev(chunks, position).catch((error: unknown) => {
    throw localFailure(`keep a copy of ${name}`, error);
  });
  if (bytesWritten === bytes) return;
  throw new SluiceError(
    'TRANSFER_FAILED',
    `cannot keep a copy of ${name}: the disk took ${bytesWritten} of ${bytes} bytes`,
  );
}
