import type { Launcher } from '../launchers/launcher.js';

/** Where a job is, as far as its provider knows. */
export type JobState =
  | 'pending'
  | 'running'
  | 'completed'
  | 'failed'
  | 'cancelled'
  /** Ended at its walltime. */
  | 'timeout'
  | 'held'
  /** The provider knows nothing of it any more, and never said how it ended. */
  | 'missing'
  /** The provider cannot tell at the moment. */
  | 'unknown';

export interface JobStatus {
  readonly jobId: string;
  readonly state: JobState;
  readonly exitCode?: number;
  /** What the provider says about it: `NodeFail`, `PartitionTimeLimit`. */
  readonly message?: string;
  /** The ends of what the job wrote, for jobs that have ended: why a block could not start. */
  readonly stdoutTail?: string;
  readonly stderrTail?: string;
}

/** One block: so many nodes, for so long, that run one command. */
export interface BlockJob {
  /** Unique in the executor: `block-0`. */
  readonly blockId: string;
  /** Name shown by schedulers: `sluice.<label>.block-0`. */
  readonly name: string;
  /** Shell text, before the launcher's part. */
  readonly command: string;
  /** Environment of the command. May hold secrets: it is in no command line, and in files with mode 0600 only. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What a started provider may use of its run. */
export interface ProviderContext {
  readonly runId: string;
  /** Absolute; scripts and output of blocks go to its `blocks/<label>/`. */
  readonly runDir: string;
  /** The executor's: block ids are unique within it only. */
  readonly label: string;
}

/** Gets blocks of nodes from somewhere: this machine, a batch scheduler, a cloud. */
export interface ExecutionProvider {
  /** `local`, `slurm`, … */
  readonly name: string;
  readonly nodesPerBlock: number;
  /** What starts the command in a block; absent where a provider has its own way. */
  readonly launcher?: Launcher;
  /** Blocks started at once at the start; kept when idle; at any time. */
  readonly initBlocks: number;
  readonly minBlocks: number;
  readonly maxBlocks: number;
  /** Slots wanted for each outstanding task, 0 to 1: 1 gives every task a slot of its own while blocks last. */
  readonly parallelism: number;
  /** Time limit of a block, in milliseconds; absent where there is none. */
  readonly walltimeMs?: number;
  /** Of one node, where known before one has come: tasks that need more are refused at once. */
  readonly coresPerNode?: number;
  readonly memoryMiBPerNode?: number;
  /** Where its jobs run, and so by which addresses they reach the client. */
  readonly runsOn: 'thisHost' | 'elsewhere';
  /** Whether jobs see the client's disk under the same paths. */
  readonly sharesFilesystem: boolean;
  /** How often `status` may be asked, in milliseconds. */
  readonly statusIntervalMs: number;
  start(context: ProviderContext): Promise<void>;
  /** Resolves with the job's id once the provider has taken it. Rejects with `SUBMIT_REJECTED` when it does not. */
  submit(job: BlockJob, signal: AbortSignal): Promise<string>;
  /** One status for each id, in their order: one question for all, where the provider can. */
  status(jobIds: readonly string[], signal: AbortSignal): Promise<readonly JobStatus[]>;
  /** Ends jobs, pending or running. Ids that have ended already are no error. */
  cancel(jobIds: readonly string[], signal: AbortSignal): Promise<void>;
  /** Called when a job may have changed, where the provider hears of it without being asked. */
  onChange?(listener: () => void): void;
  /** Ends every job it started. */
  close(): Promise<void>;
}
