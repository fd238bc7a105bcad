import { availableParallelism } from 'node:os';
import * as z from 'zod';
import type { StorageAccess } from '../../data/storage-access.js';
import { storageAccessSchema } from '../../data/storage-access-schema.js';
import { parseOptions } from '../../parse-options.js';

/** Options of {@link ThreadPoolExecutor}. */
export interface ThreadPoolOptions {
  /** Default: `threads`. */
  label?: string;
  /** Threads at most, each running one task at a time. Default: the processors of this machine. */
  maxThreads?: number;
  /** JavaScript heap of each thread, in MiB; a task that needs more is `OUT_OF_MEMORY`. Default: Node's own limit. */
  maxHeapMiB?: number;
  /** Who moves the files of its tasks, in order. Default: that of the run's config. */
  storageAccess?: StorageAccess;
}

export type ResolvedThreadPoolOptions = { label: string; maxThreads: number } & Pick<
  ThreadPoolOptions,
  'maxHeapMiB' | 'storageAccess'
>;

const schema = z.strictObject({
  label: z.string().min(1).default('threads'),
  maxThreads: z
    .int()
    .positive()
    .default(() => availableParallelism()),
  maxHeapMiB: z.number().positive().exactOptional(),
  storageAccess: storageAccessSchema.exactOptional(),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveThreadPoolOptions(options: ThreadPoolOptions): ResolvedThreadPoolOptions {
  return parseOptions(schema, options, 'ThreadPoolExecutor options');
}
