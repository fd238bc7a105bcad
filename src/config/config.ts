import * as z from 'zod';
import { type CacheOptions, cacheSchema } from '../data/cache-options.js';
import { type SeparateStagingOptions, separateStagingSchema } from '../data/separate-staging.js';
import type { StorageAccess } from '../data/storage-access.js';
import { storageAccessSchema } from '../data/storage-access-schema.js';
import type { Executor } from '../executors/executor.js';
import { refuseRepeatedLabels } from '../kernel/executor-list.js';
import type { RetryPolicy } from '../kernel/retry-policy.js';
import type { RoutingPolicy } from '../kernel/routing/routing-policy.js';
import type { Monitor } from '../monitoring/event.js';
import { parseOptions } from '../parse-options.js';
import { executorsSchema } from './start-executors.js';

/** What `load` takes. */
export interface Config {
  /** Where tasks run; labels must differ. Default: one ThreadPoolExecutor. */
  executors?: readonly Executor[];
  /** Attempts repeated after a failure of the user's code, unless its app says otherwise. Default: 0. */
  retries?: number;
  /** Attempts repeated after a failure of infrastructure, with back-off; never counted as retries. Default: 5. */
  infrastructureRetries?: number;
  /** What repeating failed attempts costs, how long to wait before it, and where it is done. Default: 1 each, at once, anywhere. */
  retry?: RetryPolicy;
  /** What `close` does with tasks that are not finished. Default: `wait`. */
  onClose?: 'wait' | 'cancel';
  /** Time workers get to end by themselves, in milliseconds, at most a day. Default: 10 s. */
  graceMs?: number;
  /** The cache that tasks of one node share, so that an input is fetched once for all of them; false: none. Default: as {@link CacheOptions} says. */
  cache?: CacheOptions | false;
  /**
   * Files that are brought and put by tasks of their own, named `stage-in` and `stage-out`: one for each file, with attempts of
   * its own, before the tasks that read it and after the task that makes it, whose DataFuture then settles when the file is
   * where it belongs. Files inside the values of tasks, and streams, are staged by the task itself. Default: none.
   */
  separateStaging?: SeparateStagingOptions;
  /**
   * Who moves the files of tasks, in order, on executors that have no list of their own, and for `listFiles` and
   * `identitiesOf`: the first that knows a URL, and Sluice's own after them. `{ only: […] }`: none but these.
   */
  storageAccess?: StorageAccess;
  /** Folder below which each run gets its own. Default: `sluice-runs`. */
  runDir?: string;
  /** Whether apps without a `kernel` of their own use this one. Default: true. */
  asDefault?: boolean;
  /** Shows the run's progress on stderr. Default: false. */
  progress?: boolean;
  /** Whether SIGINT and SIGTERM cancel the run before they end the process; a second one ends it at once. Default: true. */
  handleSignals?: boolean;
  /** Chooses the executor of each attempt. Default: the least loaded. */
  routing?: RoutingPolicy;
  /** Told of every event of the run. */
  monitors?: readonly Monitor[];
}

export type ResolvedConfig = Required<Omit<Config, OptionalKey>> & Pick<Config, OptionalKey>;

type OptionalKey = 'executors' | 'routing' | 'retry' | 'cache' | 'separateStaging' | 'storageAccess';

const isFunction = (value: unknown): boolean => typeof value === 'function';
const hasMethod = (name: string) => (value: unknown) =>
  typeof (value as Record<string, unknown> | null)?.[name] === 'function';

// Node's timers hold 2^31 - 1 ms at most, and fire at once when given more.
const LONGEST_GRACE_MS = 24 * 60 * 60_000;

const schema = z.strictObject({
  executors: executorsSchema.exactOptional(),
  retries: z.number().nonnegative().default(0),
  infrastructureRetries: z.int().nonnegative().default(5),
  retry: z
    .strictObject({
      cost: z.custom<RetryPolicy['cost']>(isFunction, 'expected a function').exactOptional(),
      backoffMs: z.custom<RetryPolicy['backoffMs']>(isFunction, 'expected a function').exactOptional(),
      elsewhere: z.boolean().exactOptional(),
    })
    .exactOptional(),
  onClose: z.enum(['wait', 'cancel']).default('wait'),
  graceMs: z.number().nonnegative().max(LONGEST_GRACE_MS).default(10_000),
  cache: cacheSchema.exactOptional(),
  separateStaging: separateStagingSchema.exactOptional(),
  storageAccess: storageAccessSchema.exactOptional(),
  runDir: z.string().min(1).default('sluice-runs'),
  asDefault: z.boolean().default(true),
  progress: z.boolean().default(false),
  handleSignals: z.boolean().default(true),
  routing: z.custom<RoutingPolicy>(hasMethod('choose'), 'expected a routing policy').exactOptional(),
  monitors: z
    .array(z.custom<Monitor>(hasMethod('record'), 'expected a monitor'))
    .readonly()
    .default([]),
});

/** @throws {SluiceError} `INVALID_OPTIONS` naming every offending key at once, `DUPLICATE_LABEL` */
export function resolveConfig(config: Config): ResolvedConfig {
  const resolved = parseOptions(schema, config, 'load options');
  refuseRepeatedLabels(resolved.executors ?? []);
  return resolved as ResolvedConfig;
}
