import type { SluiceError } from '../../errors.js';
import { type BlockSupervisor, createBlockSupervisor } from '../../scaling/block-supervisor.js';
import { SYSTEM_CLOCK } from '../../scaling/clock.js';
import type { ManagerInfo } from '../../wire/pilot/messages.js';
import type { PilotConfig } from '../../wire/pilot/pilot-config.js';
import type { ConfigFiles } from './config-files.js';
import type { ResolvedHtexOptions } from './htex-options.js';
import { pilotJob } from './pilot-job.js';

/** What the supervisor of an executor's blocks is told, and whom it tells. */
export interface SuperviseParts {
  /** What managers of a block are started with. */
  configFor(blockId: string): PilotConfig;
  /** Absent where no disk is shared. */
  readonly files: ConfigFiles | undefined;
  outstandingSlots(): number;
  managers(): readonly ManagerInfo[];
  drain(blockId: string): void;
  onFailed(error: SluiceError): void;
}

/** The supervisor of an executor's blocks; it has not started any yet. */
export function superviseBlocks(options: ResolvedHtexOptions, parts: SuperviseParts): BlockSupervisor {
  const { provider, strategy, strategyPeriodMs, maxIdleMs, maxWorkersPerNode, submitLimits, submitBreaker } = options;
  const { files, configFor, outstandingSlots, managers, drain, onFailed } = parts;
  return createBlockSupervisor({
    provider,
    strategy,
    errorHandler: options.blockErrorHandler,
    jobFor: (blockId) => pilotJob(configFor(blockId), { command: options.pilotCommand, files }),
    outstandingSlots,
    managers,
    drain,
    onFailed,
    onBlock: ({ blockId, state }) => {
      if (state.kind === 'ended') files?.remove(blockId);
    },
    strategyPeriodMs,
    maxIdleMs,
    connectDeadlineMs: options.connectTimeoutMs * 2,
    clock: SYSTEM_CLOCK,
    ...(maxWorkersPerNode !== undefined && { slotsPerNode: maxWorkersPerNode }),
    ...(submitLimits !== undefined && { submitLimits }),
    ...(submitBreaker !== undefined && { breaker: submitBreaker }),
  });
}
