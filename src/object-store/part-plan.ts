import type { ByteRange } from './object-store.js';

/** Size of one part, in bytes, unless an object would need more than {@link MAX_PARTS} of them: 8 MiB. */
export const PART_BYTES: number = 8 * 1024 * 1024;

/** Parts an upload may have. Source: "Amazon S3 multipart upload limits", S3 User Guide. */
export const MAX_PARTS = 10_000;

/** Cuts `size` bytes into ranges of {@link PART_BYTES}, or of whole MiB as large as {@link MAX_PARTS} demands. */
export function planParts(size: number): readonly ByteRange[] {
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MEBIBYTE) * MEBIBYTE);
  return Array.from({ length: Math.ceil(size / partBytes) }, (_, index) => ({
    start: index * partBytes,
    end: Math.min(size, (index + 1) * partBytes) - 1,
  }));
}

/** Number of bytes in a range. */
export function lengthOf(range: ByteRange): number {
  return range.end - range.start + 1;
}

const MEBIBYTE = 1024 * 1024;
