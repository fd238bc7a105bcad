import type { ByteRange } from './object-store.js';

/** Size of one part, in bytes, unless an object would need more than {@link MAX_PARTS} of them: 8 MiB. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** Parts an upload may have. Source: "Amazon S3 multipart upload limits", S3 User Guide. */
export const MAX_PARTS = 10_000;

/** Cuts `size` bytes into ranges of {@link PART_BYTES}, or of whole MiB as large as {@link MAX_PARTS} demands. */
export function planParts(size: number): readonly ByteRange[] {
  return cut(size, Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MEBIBYTE) * MEBIBYTE));
}

/**
 * Cuts `size` bytes into ranges that so many fetch at the same time, one each as often as it takes: of whole parts, so that they
 * begin where parts do, and few, since each request costs the service and us the same.
 */
export function planRanges(size: number, lanes: number): readonly ByteRange[] {
  const rounds = Math.max(1, Math.ceil(size / (lanes * MOST_RANGE_BYTES)));
  return cut(size, Math.ceil(size / (lanes * rounds) / PART_BYTES) * PART_BYTES);
}

function cut(size: number, bytes: number): readonly ByteRange[] {
  return Array.from({ length: Math.ceil(size / bytes) }, (_, index) => ({
    start: index * bytes,
    end: Math.min(size, (index + 1) * bytes) - 1,
  }));
}

/** Number of bytes in a range. */
export function lengthOf(range: ByteRange): number {
  return range.end - range.start + 1;
}

const MEBIBYTE = 1024 * 1024;
/** Bytes that one request of a download asks for, at most. */
const MOST_RANGE_BYTES = 32 * MEBIBYTE;
