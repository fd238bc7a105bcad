/** What a body's bytes are gathered in, and given on in: 1 MiB. */
export const BLOCK_BYTES: number = 1024 * 1024;
/** Blocks that wait to be filled again, at most. */
const MOST_FREE = 32;

const free: Buffer[] = [];
/** Which memory is that of a block, whoever brings it. */
const blocks = new WeakSet<ArrayBufferLike>();

/** Room for so many of the bytes that are still to come as fit into a block. */
export function takeBlock(bytes: number): Buffer {
  if (bytes < BLOCK_BYTES) return Buffer.allocUnsafe(bytes);
  const block = free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  blocks.add(block.buffer);
  return block;
}

/**
 * Lets a block be filled again: to have it from the system and to give it back takes longer than to fill it. Nobody may look at
 * the bytes any more. Those that are no block stay with whoever has them.
 */
export function releaseBlock(bytes: Uint8Array): void {
  if (!blocks.delete(bytes.buffer) || free.length === MOST_FREE) return;
  free.push(Buffer.from(bytes.buffer));
}
