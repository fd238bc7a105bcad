/** Commands that start MPI applications. */
export type MpiLauncher = 'mpiexec' | 'srun' | 'aprun';

/** Every {@link MpiLauncher}. */
export const MPI_LAUNCHERS: readonly MpiLauncher[] = ['mpiexec', 'srun', 'aprun'];

/** What an MPI application runs on, complete. */
export interface MpiSpec {
  readonly nodes: number;
  readonly ranks: number;
  /** Ranks on each node; the last one may have fewer. */
  readonly ranksPerNode: number;
  /** '' where there are none. */
  readonly launcherOptions: string;
}
