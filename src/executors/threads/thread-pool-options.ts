import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { SluiceError } from '../../errors.js';

/** Options of {@link ThreadPoolExecutor}. */
export interface ThreadPoolOptions {
  /** Default: `threads`. */
  label?: string;
  /** Threads at most, each running one task at a time. Default: the processors of this machine. */
  maxThreads?: number;
  /** JavaScript heap of each thread, in MiB; a task that needs more is `OUT_OF_MEMORY`. Default: Node's own limit. */
  maxHeapMiB?: number;
}

export type ResolvedThreadPoolOptions = { label: string; maxThreads: number; maxHeapMiB?: number };

const schema = z.strictObject({
  label: z.string().min(1).default('threads'),
  maxThreads: z
    .int()
    .positive()
    .default(() => availableParallelism()),
  maxHeapMiB: z.number().positive().exactOptional(),
});

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveThreadPoolOptions(options: ThreadPoolOptions): ResolvedThreadPoolOptions {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  throw new SluiceError('INVALID_OPTIONS', `ThreadPoolExecutor options:\n${z.prettifyError(parsed.error)}`, {
    cause: parsed.error,
  });
}
