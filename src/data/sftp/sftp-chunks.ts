import { runParallel } from '../../object-store/run-parallel.js';

/** What one request moves. */
export interface Chunk {
  readonly start: number;
  readonly length: number;
}

export interface ChunkPlan {
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes that a server takes at once. */
  readonly chunkBytes: number;
  readonly signal: AbortSignal;
}

/** Bytes of one file under way at a time: what memory a transfer takes, and what a long line needs to be full. */
const BYTES_UNDER_WAY = 8 * 1024 * 1024;
const MOST_LANES = 64;

/**
 * Runs `move` for every chunk of a file, many at a time, each with a buffer that nobody else uses meanwhile. The first
 * failure stops the others, and is what this rejects with.
 */
export async function moveChunks(
  { size, chunkBytes, signal }: ChunkPlan,
  move: (chunk: Chunk, buffer: Buffer, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lanes = Math.min(
    Math.ceil(size / chunkBytes),
    MOST_LANES,
    Math.max(1, Math.floor(BYTES_UNDER_WAY / chunkBytes)),
  );
  const buffers = Array.from({ length: lanes }, () => Buffer.allocUnsafe(Math.min(chunkBytes, size)));
  let next = 0;
  await runParallel(buffers, { limit: lanes, signal }, async (buffer, stop) => {
    while (next < size) {
      stop.throwIfAborted();
      const chunk = { start: next, length: Math.min(chunkBytes, size - next) };
      next += chunk.length;
      await move(chunk, buffer, stop);
    }
  });
}
