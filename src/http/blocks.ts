/** The largest piece in which a body's bytes are gathered and given on: 256 KiB, which fits into a core's cache. */
export const BLOCK_BYTES: number = 256 * 1024;
/** Below this, in bytes, memory is quicker had anew. */
const LEAST_BYTES = 32 * 1024;
/** Memory that waits to be filled again, in bytes, at most. */
const MOST_FREE_BYTES = 128 * BLOCK_BYTES;

/** Memory that waits, by its size: a power of two. */
const free = new Map<number, ArrayBuffer[]>();
let freeBytes = 0;
/** Whose memory can be had back, whoever brings it. */
const taken = new WeakSet<ArrayBufferLike>();

/** Room for so many of the bytes that are still to come as fit into a block. */
export function takeBlock(bytes: number): Buffer {
  if (bytes < LEAST_BYTES) return Buffer.allocUnsafe(bytes);
  const size = Math.min(BLOCK_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
  const memory = free.get(size)?.pop();
  if (memory !== undefined) freeBytes -= size;
  const block = memory === undefined ? Buffer.allocUnsafeSlow(size) : Buffer.from(memory);
  taken.add(block.buffer);
  return block.subarray(0, bytes);
}

/**
 * Lets a block be filled again: to have memory from the system and give it back takes as long as to fill it. Nobody may look at
 * the bytes any more. Those that are no block's stay with whoever has them.
 */
export function releaseBlock({ buffer }: Uint8Array<ArrayBufferLike>): void {
  const size = buffer.byteLength;
  if (!taken.delete(buffer) || freeBytes + size > MOST_FREE_BYTES) return;
  freeBytes += size;
  const alike = free.get(size);
  if (alike === undefined) free.set(size, [buffer as ArrayBuffer]);
  else alike.push(buffer as ArrayBuffer);
}
