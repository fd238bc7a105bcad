/** Where a worker stands in its pool. */
export interface WorkerPlace {
  readonly rank: number;
  readonly count: number;
  readonly poolId: string;
  readonly blockId: string;
}

/** What of the node some slots have: those of one worker, or of all that a large task takes. */
export interface OwnShare {
  /** Absent where workers are not pinned. */
  readonly cores?: readonly number[];
  /** Ids; none where there are no accelerators. */
  readonly accelerators: readonly string[];
}

/** The variables that tell tasks where they run. Parsl's PARSL_WORKER_RANK, …, by our name. */
export function placeVariables({ rank, count, poolId, blockId }: WorkerPlace): Record<string, string> {
  return {
    SLUICE_WORKER_RANK: String(rank),
    SLUICE_WORKER_COUNT: String(count),
    SLUICE_WORKER_POOL_ID: poolId,
    SLUICE_WORKER_BLOCK_ID: blockId,
  };
}

/**
 * The variables by which libraries keep to their share: OpenMP of GNU and Intel (GOMP_CPU_AFFINITY, KMP_AFFINITY) and
 * the runtimes of NVIDIA, AMD and Intel accelerators. Source: Parsl's process_worker_pool.py; ids of Intel devices count
 * by PCI order then (https://github.com/oneapi-src/level-zero, ZE_ENABLE_PCI_ID_DEVICE_ORDER).
 */
export function shareVariables({ cores, accelerators }: OwnShare): Record<string, string> {
  return {
    ...(cores !== undefined && coreVariables(cores)),
    ...(accelerators.length > 0 && acceleratorVariables(accelerators.join(','))),
  };
}

function coreVariables(cores: readonly number[]): Record<string, string> {
  const list = cores.join(',');
  return {
    OMP_NUM_THREADS: String(cores.length),
    GOMP_CPU_AFFINITY: list,
    KMP_AFFINITY: `explicit,proclist=[${list}]`,
  };
}

function acceleratorVariables(ids: string): Record<string, string> {
  return {
    CUDA_VISIBLE_DEVICES: ids,
    ROCR_VISIBLE_DEVICES: ids,
    ZE_AFFINITY_MASK: ids,
    ZE_ENABLE_PCI_ID_DEVICE_ORDER: '1',
  };
}
