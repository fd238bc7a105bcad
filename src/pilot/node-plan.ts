import type { PilotConfig } from '../wire/pilot/pilot-config.js';
import type { SlotShare } from '../wire/pilot/slots.js';
import { coresOfWorkers } from './cpu-affinity.js';
import { type NodeResources, workerCount } from './worker-count.js';
import type { OwnShare } from './worker-environment.js';

/** How a node is shared out. */
export interface NodePlan {
  /** What each worker has, by rank. */
  readonly workers: readonly OwnShare[];
  readonly share: SlotShare;
  /** Memory that a worker and what it starts may use, in MiB; `undefined` where that is not limited. */
  readonly memoryLimitMiB: number | undefined;
  /** Devices in all. */
  readonly accelerators: number;
}

/** @throws {SluiceError} `INVALID_OPTIONS` when cores cannot be dealt out as `cpuAffinity` asks */
export function planNode(
  node: NodeResources & { readonly coreList: readonly number[] },
  config: Pick<
    PilotConfig,
    'coresPerWorker' | 'memoryMiBPerWorker' | 'maxWorkersPerNode' | 'accelerators' | 'cpuAffinity' | 'enforceMemory'
  >,
): NodePlan {
  const count = workerCount(node, config);
  const cores = coresOfWorkers({ affinity: config.cpuAffinity, cores: node.coreList, workers: count });
  const devices = config.accelerators.map((ids) => ids.split(','));
  const workers = Array.from({ length: count }, (_, rank): OwnShare => {
    const own = cores?.[rank];
    return { accelerators: devices[rank] ?? [], ...(own !== undefined && { cores: own }) };
  });
  const { memoryMiBPerWorker, enforceMemory } = config;
  return {
    workers,
    share: {
      cores: node.cores / count,
      accelerators: Math.min(...workers.map((worker) => worker.accelerators.length)),
      ...(memoryMiBPerWorker !== undefined && { memoryMiB: node.memoryMiB / count }),
    },
    memoryLimitMiB: enforceMemory ? memoryMiBPerWorker : undefined,
    accelerators: devices.flat().length,
  };
}
