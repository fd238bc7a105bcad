import { isAbsolute } from 'node:path';
import * as z from 'zod';

/** Options of the cache that the workers of a node share: inputs that had to be fetched stay on its disk for other tasks. */
export interface CacheOptions {
  /**
   * Absolute path on the nodes; each machine and user has a folder of its own in it. Best on the disk of the run
   * directory, where tasks get links instead of copies. Default: the worker's `SLUICE_CACHE_DIR`, else a folder in the
   * system's temporary one. On AWS Lambda, which has no other place to write to, always in the temporary one.
   */
  directory?: string;
  /**
   * Bytes it holds at most. Default: the worker's `SLUICE_CACHE_MIB` (0: no cache), else 10 GiB, but no more than half of
   * what the disk has free beside it, and a tenth where that "disk" is memory.
   */
  maxBytes?: number;
  /**
   * How a content is known to be as it was fetched: by size and time, or by its SHA-256 as well, which is read whenever a
   * task gets the file and when it is done with it. Default: `stat`.
   */
  verify?: 'stat' | 'hash';
}

/** What a config takes: options, or false for no cache. */
export const cacheSchema: z.ZodType<CacheOptions | false> = z.union([
  z.literal(false),
  z.strictObject({
    directory: z.string().refine(isAbsolute, 'must be an absolute path').exactOptional(),
    maxBytes: z.int().positive().exactOptional(),
    verify: z.enum(['stat', 'hash']).exactOptional(),
  }),
]);
