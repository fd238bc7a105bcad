import * as z from 'zod';
import { parseOptions } from '../../parse-options.js';
import { MPI_LAUNCHERS, type MpiLauncher } from '../../wire/pilot/mpi.js';
import type { HighThroughputOptions } from '../htex/htex-options.js';

/** Options of {@link MpiExecutor}: those of a HighThroughputExecutor that say nothing of sharing nodes out, and these. */
export interface MpiOptions
  extends Omit<
    HighThroughputOptions,
    'coresPerWorker' | 'memoryMiBPerWorker' | 'maxWorkersPerNode' | 'availableAccelerators' | 'cpuAffinity' | 'prefetch'
  > {
  /** Default: `mpi`. */
  label?: string;
  /** What `SLUICE_MPI_PREFIX` starts an application with. Default: `mpiexec`. */
  mpiLauncher?: MpiLauncher;
  /** Applications that run in a block at a time, at most. Default: as many as the block has nodes. */
  maxWorkersPerBlock?: number;
}

const schema = z.looseObject({
  label: z.string().default('mpi'),
  mpiLauncher: z.enum(MPI_LAUNCHERS as [MpiLauncher]).default('mpiexec'),
  maxWorkersPerBlock: z.int().positive().exactOptional(),
});

/** What is of MPI alone, and the options of the executor beneath, which checks them. @throws {SluiceError} `INVALID_OPTIONS` */
export function resolveMpiOptions(options: MpiOptions): {
  readonly mpiLauncher: MpiLauncher;
  readonly htex: HighThroughputOptions;
} {
  const { mpiLauncher, maxWorkersPerBlock, ...shared } = parseOptions(schema, options, 'MpiExecutor options');
  const nodes = (options.provider as { nodesPerBlock?: number } | undefined)?.nodesPerBlock ?? 1;
  const workers = maxWorkersPerBlock ?? nodes;
  // One manager for the whole block: its workers only start applications, whatever cores its own node has.
  const sharing = { maxWorkersPerNode: workers, coresPerWorker: 1e-3, prefetch: nodes };
  return { mpiLauncher, htex: { ...shared, ...sharing } as unknown as HighThroughputOptions };
}
