import type { BlockControllerOptions } from './block-controller.js';
import { DEFAULT_BREAKER } from './circuit-breaker.js';
import { ERROR_HANDLERS } from './error-handlers.js';
import { STRATEGIES } from './strategy.js';
import { DEFAULT_SUBMIT_LIMITS } from './submit-limiter.js';
import type { BlockSupervisorOptions } from './supervisor-contract.js';

const REPEAT_AFTER_MS = 10_000;

/** Names looked up, defaults filled in. */
export function controllerOptions(options: BlockSupervisorOptions): BlockControllerOptions {
  const { provider, strategy, errorHandler, maxIdleMs, connectDeadlineMs } = options;
  const { initBlocks, minBlocks, maxBlocks, parallelism, nodesPerBlock } = provider;
  return {
    provider: provider.name,
    limits: { initBlocks, minBlocks, maxBlocks, parallelism, nodesPerBlock },
    strategy: typeof strategy === 'string' ? STRATEGIES[strategy] : strategy,
    errorHandler: typeof errorHandler === 'string' ? ERROR_HANDLERS[errorHandler] : errorHandler,
    nodesPerBlock,
    slotsPerNode: options.slotsPerNode ?? provider.coresPerNode ?? 1,
    maxIdleMs,
    connectDeadlineMs,
    jobEndGraceMs: options.jobEndGraceMs ?? 30_000,
    submitLimits: options.submitLimits ?? DEFAULT_SUBMIT_LIMITS,
    breaker: options.breaker ?? DEFAULT_BREAKER,
    provenAfterMs: options.provenAfterMs ?? 10_000,
    repeatAfterMs: REPEAT_AFTER_MS,
  };
}
