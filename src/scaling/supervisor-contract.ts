import type { SluiceError } from '../errors.js';
import type { BlockJob, ExecutionProvider } from '../providers/provider.js';
import type { ManagerInfo } from '../wire/pilot/messages.js';
import type { BlockInfo } from './block.js';
import type { BreakerOptions } from './circuit-breaker.js';
import type { ScalingClock } from './clock.js';
import type { BlockErrorHandler, ErrorHandlerName } from './error-handlers.js';
import type { ScalingStrategy, StrategyName } from './strategy.js';
import type { SubmitLimits } from './submit-limiter.js';

/** What a supervisor works with. Times in milliseconds. */
export interface BlockSupervisorOptions {
  /** Started before {@link BlockSupervisor.start} and closed after {@link BlockSupervisor.close}, by its owner. */
  readonly provider: ExecutionProvider;
  readonly strategy: ScalingStrategy | StrategyName;
  readonly errorHandler: BlockErrorHandler | ErrorHandlerName;
  /** What a block runs. May throw: that counts as a block that failed. */
  readonly jobFor: (blockId: string) => BlockJob;
  /** Tasks that have no result yet, in slots. */
  readonly outstandingSlots: () => number;
  /** Those that are connected now: the same array while nothing changed, a new one when something did. */
  readonly managers: () => readonly ManagerInfo[];
  /** Has the managers of a block drain: they end by themselves once they have no tasks, and then their job does. */
  readonly drain: (blockId: string) => void;
  /**
   * Blocks cannot start: tasks that wait should fail with this. Nothing is submitted for a while, and then only for tasks
   * that are there then: one block, which decides.
   */
  readonly onFailed: (error: SluiceError) => void;
  /** Every change of a block's state, job, note or number of managers. */
  readonly onBlock: (block: BlockInfo) => void;
  /** How often the strategy is asked when nothing happens, while there are blocks or tasks. */
  readonly strategyPeriodMs: number;
  /** How long a block may idle. */
  readonly maxIdleMs: number;
  /** How long a block's job may run without a connected manager, and tasks wait where no block is even wanted. */
  readonly connectDeadlineMs: number;
  /** Slots that a node is expected to have until one has come. Default: the provider's `coresPerNode`, else 1. */
  readonly slotsPerNode?: number;
  /** Default: {@link DEFAULT_SUBMIT_LIMITS}. */
  readonly submitLimits?: SubmitLimits;
  /** Default: {@link DEFAULT_BREAKER}. */
  readonly breaker?: BreakerOptions;
  /** A block that dies sooner after it connected counts as one that could not start. Default: 10 s. */
  readonly provenAfterMs?: number;
  /** How long a job may go on after its drained managers have left, before it is cancelled. Default: 30 s. */
  readonly jobEndGraceMs?: number;
  /** How long a call of the provider may take. Default: 2 min. */
  readonly callDeadlineMs?: number;
  readonly clock: ScalingClock;
}

/** Keeps the blocks of one executor: as many as its strategy wants, while they can be had. */
export interface BlockSupervisor {
  /** Starts the first blocks. */
  start(): void;
  /** Something changed: tasks, managers. Cheap, and many at a time count as one. */
  poke(): void;
  /** Every block that lives, and the latest that have ended, by number. */
  blocks(): readonly BlockInfo[];
  /**
   * Starts blocks beyond what the strategy wants (which may take them in again), and resolves with the ids of those that
   * the provider took: fewer than `count` where `maxBlocks` is reached or blocks are failing.
   */
  scaleOut(count: number): Promise<readonly string[]>;
  /** Drains blocks; cancels those where nothing is connected. Resolves once that is under way. Others are left alone. */
  scaleIn(blockIds: readonly string[]): Promise<void>;
  /** The executor is ending: blocks that end from now on are not replaced, and none is given back by the strategy. */
  leave(): void;
  /**
   * Cancels every job. Rejects with `COMMAND_FAILED`, naming them, when some are not known to be cancelled after `graceMs`.
   * Idempotent.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}
