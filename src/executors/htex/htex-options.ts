import * as z from 'zod';
import type { StorageAccess } from '../../data/storage-access.js';
import { storageAccessSchema } from '../../data/storage-access-schema.js';
import { parseOptions } from '../../parse-options.js';
import type { ExecutionProvider } from '../../providers/provider.js';
import { type BucketOptions, bucketFields, type OptionalBucketOption } from '../../run-bucket/bucket-options.js';
import type { BreakerOptions } from '../../scaling/circuit-breaker.js';
import type { BlockErrorHandler } from '../../scaling/error-handlers.js';
import type { ScalingStrategy } from '../../scaling/strategy.js';
import type { SubmitLimits } from '../../scaling/submit-limiter.js';

/**
 * How the interchange chooses among managers that have room: by name, or a module's export that it loads. `near` takes the
 * one on whose node the large values and the files of a task were made, and else the one with the most room.
 */
export type ManagerSelection =
  | 'random'
  | 'round-robin'
  | 'block'
  | 'most-free'
  | 'near'
  | { readonly module: string | URL; readonly export: string };

/** Options of {@link HighThroughputExecutor}. Durations are in milliseconds. */
export interface HighThroughputOptions extends BucketOptions {
  /** Default: `htex`. */
  label?: string;
  /** Where blocks of nodes come from: `new LocalProvider()`, `new SlurmProvider({ … })`. */
  provider: ExecutionProvider;
  /**
   * Host names or addresses of this machine as managers reach it. Default: 127.0.0.1 where blocks run on this machine,
   * else every address it has: managers try all at once.
   */
  addresses?: readonly string[];
  /** The one inbound port, or the first free one of a range. Default: any free one on this machine, else 54000-55000. */
  ports?: number | { readonly from: number; readonly to: number };
  /** CurveZMQ between all processes, with keys of this run. Default: true; false sends everything in the clear, to whoever asks. */
  encrypted?: boolean;
  /** Cores of each worker; below 1, workers share cores. Default: 1. */
  coresPerWorker?: number;
  /** Memory of each worker; also its limit. Default: memory does not count. */
  memoryMiBPerWorker?: number;
  /** Default: as many as cores, memory and accelerators give. */
  maxWorkersPerNode?: number;
  /** `none`, `block`, `block-reverse`, `alternating`, or the cores of each worker: `list:0-1:2-3`. Default: `none`. */
  cpuAffinity?: string;
  /** Accelerators of a node: how many, or their ids, one for each worker. Default: none. */
  availableAccelerators?: number | readonly string[];
  /** Tasks a manager takes beyond its workers. Default: as many as keep its workers busy for some 20 ms. */
  prefetch?: number | 'auto';
  /** Default: 5 s. */
  heartbeatMs?: number;
  /** Who is silent for so long is gone: the lease of everything that runs for this client. Default: 20 s. */
  heartbeatThresholdMs?: number;
  /** Managers end, once their tasks are done, after so long. Default: never. */
  drainPeriodMs?: number;
  /** They drain when so much of their block's walltime is left. Default: 60 s, or a tenth of the walltime if that is less. */
  drainBeforeEndMs?: number;
  /** How long a manager tries to reach the client. Default: 30 s. */
  connectTimeoutMs?: number;
  /** Default: `random`. */
  managerSelection?: ManagerSelection;
  /** When blocks come and go. Default: `simple`. */
  strategy?: 'none' | 'simple' | 'htex-auto-scale' | ScalingStrategy;
  /** How often the strategy looks when nothing happens. Default: 5 s. */
  strategyPeriodMs?: number;
  /** Blocks without tasks are given back after so long. Default: 120 s. */
  maxIdleMs?: number;
  /** When failed blocks make waiting tasks fail. Default: `simple`: all of the first ones failed. */
  blockErrorHandler?: 'none' | 'simple' | 'windowed' | BlockErrorHandler;
  /** Blocks submitted at most, in any second and any minute. Default: 10 and 60. */
  submitLimits?: SubmitLimits;
  /** When blocks that fail to start are not replaced at once, and for how long. Default: after 3 in a row, for 10 s, doubling up to 10 min. */
  submitBreaker?: BreakerOptions;
  /** Largest message, and so argument or result, that may pass through client and interchange. Default: 256 MiB. */
  maxMessageBytes?: number;
  /**
   * Arguments and results above this are written where workers read them, and do not pass through client and interchange:
   * below the run directory where workers share the client's disk, else in the bucket. Default: 256 KiB.
   */
  spillBytes?: number;
  /**
   * Carries local files and large values to workers that do not share the client's disk, and back; without one such files
   * are refused. Workers reach it with the keys of their own environment or role. Not used where the disk is shared.
   */
  bucket?: string;
  /**
   * Nodes fetch inputs from each other's caches before they ask the store, `perSource` at a time from one node. What a
   * node cannot give, or not in time, comes from the store. Default: false; true: 3.
   */
  peerTransfers?: boolean | { readonly perSource?: number };
  /**
   * `node`: `temp:` files stay on the node that made them; `run`: they are below the run directory where the disk is
   * shared, and elsewhere in the bucket. Default: `run` where the disk is shared, else `node`.
   */
  temporaryFiles?: 'node' | 'run';
  /**
   * Shell text that starts one manager, which finds what it must know, keys too, in the file that `SLUICE_PILOT_FILE` names
   * or, where the disk is not shared, in `SLUICE_PILOT`. Default: this Node with this package's manager.
   */
  pilotCommand?: string;
  /** Program and arguments that start the interchange. Default: this Node with this package's interchange. */
  interchangeCommand?: readonly string[];
  /** Who moves the files of its tasks, in order. Default: that of the run's config. */
  storageAccess?: StorageAccess;
}

const PER_SOURCE = 3;

type Optional =
  | OptionalBucketOption
  | 'addresses'
  | 'ports'
  | 'memoryMiBPerWorker'
  | 'maxWorkersPerNode'
  | 'drainPeriodMs'
  | 'drainBeforeEndMs'
  | 'storageAccess';
type Commands = 'pilotCommand' | 'interchangeCommand';
export type ResolvedHtexOptions = Required<
  Omit<HighThroughputOptions, Optional | Commands | 'ports' | 'availableAccelerators' | 'peerTransfers'>
> &
  Pick<HighThroughputOptions, Optional | Commands> & {
    readonly ports?: { readonly from: number; readonly to: number };
    readonly availableAccelerators: readonly string[];
    readonly peerTransfers: false | { readonly perSource: number };
  };

const durationMs = z
  .number()
  .positive()
  .max(2 ** 31 - 1);
const isFunction = (value: unknown): boolean => typeof value === 'function';
const port = z.int().min(0).max(65_535);

const schema = z.strictObject({
  label: z
    .string()
    .regex(/^[\w.-]+$/, 'letters, digits, dots, hyphens and underscores: it names folders and jobs')
    .default('htex'),
  provider: z.custom<ExecutionProvider>(
    (value) => isFunction((value as ExecutionProvider | null)?.submit),
    'must be an ExecutionProvider, such as new LocalProvider()',
  ),
  addresses: z.array(z.string().min(1)).min(1).exactOptional(),
  ports: z
    .union([
      port.transform((only) => ({ from: only, to: only })),
      z.strictObject({ from: port, to: port }).refine(({ from, to }) => from <= to, 'from must not be above to'),
    ])
    .exactOptional(),
  encrypted: z.boolean().default(true),
  coresPerWorker: z.number().positive().default(1),
  memoryMiBPerWorker: z.number().positive().exactOptional(),
  maxWorkersPerNode: z.int().positive().exactOptional(),
  cpuAffinity: z
    .string()
    .regex(
      /^(none|block|block-reverse|alternating|list:\d+(-\d+)?(,\d+(-\d+)?)*(:\d+(-\d+)?(,\d+(-\d+)?)*)*)$/,
      'must be none, block, block-reverse, alternating or list:0-1:2,3',
    )
    .default('none'),
  availableAccelerators: z
    .union([
      z
        .int()
        .nonnegative()
        .transform((count) => Array.from({ length: count }, (_, index) => String(index))),
      z.array(z.string().min(1)),
    ])
    .default([]),
  prefetch: z.union([z.int().nonnegative(), z.literal('auto')]).default('auto'),
  heartbeatMs: durationMs.default(5_000),
  heartbeatThresholdMs: durationMs.default(20_000),
  drainPeriodMs: durationMs.exactOptional(),
  drainBeforeEndMs: durationMs.exactOptional(),
  connectTimeoutMs: durationMs.default(30_000),
  managerSelection: z
    .union([
      z.enum(['random', 'round-robin', 'block', 'most-free', 'near']),
      z.strictObject({ module: z.union([z.string(), z.instanceof(URL)]), export: z.string() }),
    ])
    .default('random'),
  strategy: z
    .union([
      z.enum(['none', 'simple', 'htex-auto-scale']),
      z.custom<ScalingStrategy>((value) => typeof value === 'object' && value !== null, 'must be a ScalingStrategy'),
    ])
    .default('simple'),
  strategyPeriodMs: durationMs.default(5_000),
  maxIdleMs: z.number().nonnegative().default(120_000),
  blockErrorHandler: z
    .union([
      z.enum(['none', 'simple', 'windowed']),
      z.custom<BlockErrorHandler>((value) => isFunction(value), 'must be a function'),
    ])
    .default('simple'),
  submitLimits: z.strictObject({ perSecond: z.int().positive(), perMinute: z.int().positive() }).exactOptional(),
  submitBreaker: z
    .strictObject({ failures: z.int().positive(), pauseMs: durationMs, longestPauseMs: durationMs })
    .exactOptional(),
  maxMessageBytes: z
    .int()
    .min(1024 * 1024)
    .default(256 * 1024 * 1024),
  spillBytes: z
    .int()
    .min(16 * 1024)
    .default(256 * 1024),
  ...bucketFields,
  peerTransfers: z
    .union([z.boolean(), z.strictObject({ perSource: z.int().positive().default(PER_SOURCE) })])
    .transform((given) => (given === true ? { perSource: PER_SOURCE } : given))
    .default(false),
  temporaryFiles: z.enum(['node', 'run']).exactOptional(),
  pilotCommand: z.string().min(1).exactOptional(),
  interchangeCommand: z.array(z.string()).min(1).exactOptional(),
  storageAccess: storageAccessSchema.exactOptional(),
});

const consistent = schema
  .refine(
    ({ heartbeatMs, heartbeatThresholdMs }) => heartbeatMs * 2 <= heartbeatThresholdMs,
    'heartbeatThresholdMs must be at least twice heartbeatMs: one heartbeat may be late',
  )
  .refine(
    ({ temporaryFiles, provider, bucket }) =>
      temporaryFiles !== 'run' || provider.sharesFilesystem || bucket !== undefined,
    "temporaryFiles can be 'run' only where workers share the client's disk, or there is a bucket",
  );

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once */
export function resolveHtexOptions(options: HighThroughputOptions): ResolvedHtexOptions {
  const parsed = parseOptions(consistent, options, 'HighThroughputExecutor options');
  const { provider } = parsed;
  return {
    ...parsed,
    temporaryFiles: parsed.temporaryFiles ?? (provider.sharesFilesystem ? 'run' : 'node'),
  } as ResolvedHtexOptions;
}
