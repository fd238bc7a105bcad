import type { CacheOptions } from '../data/cache-options.js';
import type { SeparateStagingOptions } from '../data/separate-staging.js';
import type { TemporaryHomes } from '../data/temporary-homes.js';
import type { Executor } from '../executors/executor.js';
import type { Monitor } from '../monitoring/event.js';
import type { ShipCode } from '../wire/code-shipping/ship-code.js';
import type { ShippedStorage } from '../wire/shipped-storage.js';
import type { RetryPolicy } from './retry-policy.js';
import type { RoutingPolicy } from './routing/routing-policy.js';

/** Everything a kernel is made of; `load` makes it from a config. */
export interface KernelParts {
  readonly runId: string;
  readonly runDir: string;
  /** Started, in the order of the config; added ones last. */
  readonly executors: Executor[];
  /** @throws {SluiceError} `INVALID_OPTIONS` for what are no executors */
  readonly checkExecutors: (executors: readonly unknown[]) => readonly Executor[];
  /** Starts all, or rejects with what failed and has ended the others. */
  readonly startExecutors: (executors: readonly Executor[]) => Promise<void>;
  readonly retries: number;
  readonly infrastructureRetries: number;
  readonly retry?: RetryPolicy;
  /** Options of the cache on workers' nodes; absent: the workers' own. */
  readonly cache?: CacheOptions | false;
  /** Files that are staged by tasks of their own; absent: none. */
  readonly separateStaging?: SeparateStagingOptions;
  /** Who moves files for the tasks of an executor, by its label; `undefined`: Sluice's own. */
  readonly storageOf?: (label: string) => ShippedStorage | undefined;
  readonly onClose: 'wait' | 'cancel';
  readonly graceMs: number;
  readonly routing: RoutingPolicy;
  readonly monitors: readonly Monitor[];
  /** Bundles code for workers that could not run it as it is. */
  readonly shipCode: ShipCode;
  /** Bytes of a value that lies in an object store. */
  readonly fetch: (url: string) => Promise<Uint8Array>;
  /** Keeps the `temp:` files that no executor keeps. */
  readonly temporary: TemporaryHomes;
  /** Where the streams of a task go that are to be named by the run. */
  readonly autoLog: (
    task: { taskId: number; appName: string; label: string | undefined },
    stream: 'stdout' | 'stderr',
  ) => string;
  readonly now: () => number;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Calls back once after `delayMs`; the answer stops it. */
  readonly later: (delayMs: number, callback: () => void) => () => void;
  /** Tells the user of something that went wrong and that no future can tell. */
  readonly warn: (message: string) => void;
  /** Told of the summary when every task has ended, and how many failures nobody has looked at. */
  readonly report: (summary: string, unseenFailures: number) => Promise<void>;
  /** Called at the very end of `close`. */
  readonly onClosed: () => Promise<void>;
}
