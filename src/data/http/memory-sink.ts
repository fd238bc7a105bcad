import { SluiceError } from '../../errors.js';
import type { FileSink, SpanWriter } from './file-sink.js';

/** A sink that gathers a small file in memory. */
export interface MemorySink extends FileSink {
  /** What has come, in order. */
  readonly chunks: readonly Uint8Array[];
}

/** At most `size` bytes, one after the other: more is `TRANSFER_FAILED`. */
export function createMemorySink(
  size: number,
  { what, onProgress }: { readonly what: string; readonly onProgress?: ((bytes: number) => void) | undefined },
): MemorySink {
  let chunks: Uint8Array[] = [];
  let written = 0;
  const writer: SpanWriter = {
    get position() {
      return written;
    },
    append(chunk) {
      if (written + chunk.length > size) {
        throw new SluiceError('TRANSFER_FAILED', `${what}: the file changed while it was being read`);
      }
      chunks.push(chunk);
      written += chunk.length;
      onProgress?.(chunk.length);
      return undefined;
    },
    flush: async () => undefined,
  };
  return {
    get chunks() {
      return chunks;
    },
    get written() {
      return written;
    },
    from: () => writer,
    async restart() {
      onProgress?.(-written);
      chunks = [];
      written = 0;
    },
    close: async () => undefined,
  };
}
