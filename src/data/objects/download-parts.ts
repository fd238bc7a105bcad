import type { FileHandle } from 'node:fs/promises';
import { base64OfCrc32, combineCrcs } from '../../checksums/combine-crcs.js';
import { SluiceError } from '../../errors.js';
import { releaseBlock } from '../../http/blocks.js';
import type { ByteRange, ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { lengthOf, planRanges } from '../../object-store/part-plan.js';
import { runParallel } from '../../object-store/run-parallel.js';
import { localFailure } from '../write-whole.js';
import { type WholeSum, wholeSumOf } from './whole-sum.js';

/** Parts of one download in flight at a time, at most: the store says how many its service takes. */
const PARALLEL_PARTS = 10;

/** An object whose answer has begun: its chunks are those of the whole. */
export interface OpenedObject {
  readonly info: ObjectInfo;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * Fills a file with an object, in parts that are fetched at the same time; the first one is the beginning of what has been
 * opened. `TRANSFER_FAILED` when the parts are not of one version, or together not what the object's checksum says.
 */
export async function downloadParts(
  store: ObjectStore,
  { info, chunks }: OpenedObject,
  handle: FileHandle,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress?: ((bytes: number) => void) | undefined },
): Promise<void> {
  const name = `${store.url}/${info.key}`;
  const sum = wholeSumOf(info);
  const [first = { start: 0, end: -1 }, ...others] = planRanges(info.size, PARALLEL_PARTS);
  const parts = await runParallel([first, ...others], { limit: PARALLEL_PARTS, signal }, async (range, stop) => {
    const part = range === first ? chunks : await openPart(store, info, range, stop);
    const value = await writePart(handle, part, { range, signal: stop, name, onProgress, sum });
    return { value: base64OfCrc32(value), size: lengthOf(range) };
  });
  if (sum === undefined) return;
  const found = combineCrcs(sum.algorithm, parts);
  if (found === sum.announced) return;
  throw new SluiceError(
    'TRANSFER_FAILED',
    `read ${name}: its ${sum.algorithm} is ${found}, the service announced ${sum.announced}`,
  );
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
    const changed = error instanceof SluiceError && /^(PRECONDITION_FAILED|NOT_FOUND)$/.test(error.code);
    if (!changed) throw error;
    const text = `read ${store.url}/${key}: the object changed while it was being read`;
    throw new SluiceError('TRANSFER_FAILED', text, { cause: error });
  }
}

interface Part {
  readonly range: ByteRange;
  readonly signal: AbortSignal;
  /** URL of the object, for errors. */
  readonly name: string;
  readonly onProgress: ((bytes: number) => void) | undefined;
  /** The whole's checksum, where it has one that this part's is for. */
  readonly sum: WholeSum | undefined;
}

/** Resolves with the part's CRC, 0 where it is for nothing. */
async function writePart(
  handle: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  { range, signal, name, onProgress, sum }: Part,
): Promise<number> {
  const length = lengthOf(range);
  let crc = 0;
  let received = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    // The first part's stream goes on to the object's end.
    const bytes = chunk.subarray(0, length - received);
    if (sum !== undefined) crc = sum.next(bytes, crc);
    await writeAt(handle, bytes, range.start + received, name);
    received += bytes.length;
    onProgress?.(bytes.length);
    releaseBlock(chunk);
    if (received === length) break;
  }
  if (received === length) return crc;
  throw new SluiceError(
    'TRANSFER_FAILED',
    `read ${name}: ${received} bytes came of the ${length} from ${range.start} on`,
  );
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number, name: string): Promise<void> {
  const { bytesWritten } = await handle.write(bytes, 0, bytes.length, position).catch((error: unknown) => {
    throw localFailure(`keep a copy of ${name}`, error);
  });
  if (bytesWritten === bytes.length) return;
  throw new SluiceError(
    'TRANSFER_FAILED',
    `cannot keep a copy of ${name}: the disk is full, or this user’s share of it: it took ${bytesWritten} of ${bytes.length} bytes`,
  );
}
