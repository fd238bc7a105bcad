import type { PilotConfig } from '../wire/pilot/pilot-config.js';

/** What a node has. */
export interface NodeResources {
  /** Processors this process may use; a part of one where a cgroup allows only that. */
  readonly cores: number;
  readonly memoryMiB: number;
}

type CountOptions = Pick<PilotConfig, 'coresPerWorker' | 'memoryMiBPerWorker' | 'maxWorkersPerNode' | 'accelerators'>;

/**
 * Workers that a node can have: as many as its cores, its memory and its accelerators each allow, and no more than the
 * maximum; one at least. Parsl's rule (process_worker_pool.py).
 */
export function workerCount(node: NodeResources, options: CountOptions): number {
  const { coresPerWorker, memoryMiBPerWorker, maxWorkersPerNode, accelerators } = options;
  const limits = [
    shares(node.cores, coresPerWorker),
    ...(memoryMiBPerWorker === undefined ? [] : [shares(node.memoryMiB, memoryMiBPerWorker)]),
    ...(maxWorkersPerNode === undefined ? [] : [maxWorkersPerNode]),
    ...(accelerators.length === 0 ? [] : [accelerators.length]),
  ];
  return Math.max(1, Math.min(...limits));
}

// A hair of tolerance: 2 cores are 20 times 0.1.
function shares(available: number, each: number): number {
  return Math.floor(available / each + 1e-9);
}
