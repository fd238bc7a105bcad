import type { MpiLauncher, MpiSpec } from '../../wire/pilot/mpi.js';

/**
 * What an MPI application finds in its environment. Each `…_PREFIX` is shell text, up to the application's own command:
 * `$SLUICE_MPI_PREFIX ./simulate`. They are those that Parsl composes, under our names.
 */
export type MpiEnvironment = Readonly<
  Record<
    | 'SLUICE_MPI_PREFIX'
    | 'SLUICE_MPIEXEC_PREFIX'
    | 'SLUICE_SRUN_PREFIX'
    | 'SLUICE_APRUN_PREFIX'
    | 'SLUICE_NUM_NODES'
    | 'SLUICE_NUM_RANKS'
    | 'SLUICE_RANKS_PER_NODE'
    | 'SLUICE_MPI_NODELIST',
    string
  >
>;

/**
 * The environment of a task that was given these nodes; `SLUICE_MPI_PREFIX` is that of `launcher`.
 *
 * Sources: `mpiexec.hydra -help` of MPICH 4.0 (`-n`, `-ppn`, `-hosts`); srun(1) of Slurm 22.05 (`--ntasks`,
 * `--ntasks-per-node`, `--nodelist`, `--nodes`); Cray S-2496 (`aprun -n`, `-N`, `-L`; Parsl's `-node-list` is none of
 * its options).
 */
export function mpiEnvironment(spec: MpiSpec, nodes: readonly string[], launcher: MpiLauncher): MpiEnvironment {
  const { ranks, ranksPerNode, launcherOptions } = spec;
  const list = nodes.join(',');
  const text = (...words: readonly (string | number)[]): string =>
    [...words, ...(launcherOptions === '' ? [] : [launcherOptions])].join(' ');
  const prefixes: Readonly<Record<MpiLauncher, string>> = {
    mpiexec: text('mpiexec', '-n', ranks, '-ppn', ranksPerNode, '-hosts', list),
    srun: text(
      ...['srun', '--ntasks', ranks, '--ntasks-per-node', ranksPerNode],
      ...['--nodelist', list, '--nodes', nodes.length],
    ),
    aprun: text('aprun', '-n', ranks, '-N', ranksPerNode, '-L', list),
  };
  return {
    SLUICE_MPI_PREFIX: prefixes[launcher],
    SLUICE_MPIEXEC_PREFIX: prefixes.mpiexec,
    SLUICE_SRUN_PREFIX: prefixes.srun,
    SLUICE_APRUN_PREFIX: prefixes.aprun,
    SLUICE_NUM_NODES: String(nodes.length),
    SLUICE_NUM_RANKS: String(ranks),
    SLUICE_RANKS_PER_NODE: String(ranksPerNode),
    SLUICE_MPI_NODELIST: list,
  };
}
