export { type App, app, type IoApp, type SetupOption } from './apps/app.js';
export { type BashApp, bash, type Command, type CommandValues, type ReturnsOption } from './apps/bash-app.js';
export type { Deferred, DeferredArguments, InputFile } from './apps/deferred.js';
export type { Io } from './apps/io.js';
export { type Joined, join } from './apps/join-app.js';
export { type MapOptions, type MapResults, map } from './apps/map.js';
export { apps, type ModuleApps, type ModuleOptions } from './apps/module-apps.js';
export type { Pool, PoolMapOptions, RunOptions } from './apps/pool.js';
export { ShellCommand } from './apps/shell-quote.js';
export type { AppOptions, StdinValue, TaskOptions } from './apps/task-options.js';
export type { Config } from './config/config.js';
export { createPool, type PoolOptions } from './config/create-pool.js';
export { type FilesOptions, identitiesOf, listFiles } from './config/list-files.js';
export { load } from './config/load.js';
export {
  type FtpStagingOptions,
  fileStaging,
  ftpStaging,
  type GcsStagingOptions,
  type GlobusStagingOptions,
  gcsStaging,
  globusStaging,
  type HttpSiteOptions,
  type HttpStagingOptions,
  httpStaging,
  type RsyncStagingOptions,
  rsyncStaging,
  type S3StagingOptions,
  type SftpStagingOptions,
  s3Staging,
  sftpStaging,
  type ZipStagingOptions,
  zipStaging,
} from './config/storage/built-in-stagings.js';
export { type CreateStaging, customStaging } from './config/storage/custom-staging.js';
export type { UrlMatch } from './config/storage/url-match.js';
export type { CacheOptions } from './data/cache-options.js';
export { DataFile, type FileLike, file } from './data/data-file.js';
export type { SeparateStagingOptions } from './data/separate-staging.js';
export type {
  FileIdentity,
  ListedFile,
  StageInTarget,
  StageOutSource,
  Staging,
  StagingCapabilities,
  TransferOptions,
} from './data/staging.js';
export type { StagingEntry, StorageAccess } from './data/storage-access.js';
export {
  BashExitError,
  DependencyError,
  ERROR_CODES,
  type ErrorClass,
  type ErrorCode,
  InputLostError,
  JoinError,
  type KnownErrorCode,
  SluiceError,
} from './errors.js';
export type { Executor, ExecutorCapabilities, ExecutorLoad, RunContext } from './executors/executor.js';
export { HighThroughputExecutor, type HtexStatus } from './executors/htex/high-throughput-executor.js';
export type { HighThroughputOptions, ManagerSelection } from './executors/htex/htex-options.js';
export { MpiExecutor } from './executors/mpi/mpi-executor.js';
export type { MpiOptions } from './executors/mpi/mpi-options.js';
export { ThreadPoolExecutor } from './executors/threads/thread-pool-executor.js';
export type { ThreadPoolOptions } from './executors/threads/thread-pool-options.js';
export type { AppFuture, DataFutures } from './kernel/app-future.js';
export type { DataFuture } from './kernel/data-future.js';
export type { DataFlowKernel } from './kernel/dataflow-kernel.js';
export type { KeyOf, ValueAt } from './kernel/lifted-access.js';
export type { FailedAttempt, RetryPolicy } from './kernel/retry-policy.js';
export { leastLoaded } from './kernel/routing/least-loaded.js';
export type { Candidate, Placement, RoutingPolicy } from './kernel/routing/routing-policy.js';
export type { AppStats, ExecutorStats, RunStats } from './kernel/run-stats.js';
export type { TaskStatus } from './kernel/task.js';
export type { LogTarget, StreamTarget } from './kernel/task-request.js';
export type { Launch, Launcher } from './launchers/launcher.js';
export { SimpleLauncher } from './launchers/simple-launcher.js';
export { SingleNodeLauncher } from './launchers/single-node-launcher.js';
export type { SingleNodeLauncherOptions } from './launchers/single-node-launcher-options.js';
export type { Monitor, RunEvent } from './monitoring/event.js';
export type { ByteRange, GetOptions, ObjectInfo, ObjectStore, PutOptions } from './object-store/object-store.js';
export { VERSION } from './version.js';
export type { EncodedValue } from './wire/encoded-value.js';
export type { InputUsage, Outcome, Usage } from './wire/outcome.js';
export type { AppCode, Resources, TaskEnvelope } from './wire/task-envelope.js';
