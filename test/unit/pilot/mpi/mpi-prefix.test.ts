import { expect, test } from 'vitest';
import { mpiEnvironment } from '../../../../src/pilot/mpi/mpi-prefix.js';
import { MPI_LAUNCHERS } from '../../../../src/wire/pilot/mpi.js';

const spec = { nodes: 2, ranks: 8, ranksPerNode: 4, launcherOptions: '' };
const nodes = ['n1', 'n2'];

test('a task finds every launcher, and what it runs on', () => {
  expect(mpiEnvironment(spec, nodes, 'mpiexec')).toEqual({
    SLUICE_MPI_PREFIX: 'mpiexec -n 8 -ppn 4 -hosts n1,n2',
    SLUICE_MPIEXEC_PREFIX: 'mpiexec -n 8 -ppn 4 -hosts n1,n2',
    SLUICE_SRUN_PREFIX: 'srun --ntasks 8 --ntasks-per-node 4 --nodelist n1,n2 --nodes 2',
    SLUICE_APRUN_PREFIX: 'aprun -n 8 -N 4 -L n1,n2',
    SLUICE_NUM_NODES: '2',
    SLUICE_NUM_RANKS: '8',
    SLUICE_RANKS_PER_NODE: '4',
    SLUICE_MPI_NODELIST: 'n1,n2',
  });
});

test.each(MPI_LAUNCHERS)('%s is the one that is used where it was chosen', (launcher) => {
  const environment = mpiEnvironment(spec, nodes, launcher);
  expect(environment.SLUICE_MPI_PREFIX).toMatch(new RegExp(`^${launcher} `));
});

test.each(MPI_LAUNCHERS)('options of the launcher end the prefix of %s', (launcher) => {
  const environment = mpiEnvironment({ ...spec, launcherOptions: '--depth 8 -v' }, nodes, launcher);
  expect(environment.SLUICE_MPI_PREFIX).toMatch(/ --depth 8 -v$/);
});
