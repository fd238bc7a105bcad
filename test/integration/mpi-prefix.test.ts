import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { resolveMpiSpec } from '../../src/executors/mpi/mpi-spec.js';
import { mpiEnvironment } from '../../src/pilot/mpi/mpi-prefix.js';
import { nodesOfBlock } from '../../src/pilot/mpi/node-list.js';
import { requireOrSkip } from './required-server.js';

const mpich = requireOrSkip('mpich', { command: 'mpiexec.mpich', install: 'apt-get install mpich' });

describe.skipIf(!mpich)('an MPI application, with mpich', () => {
  const place = { app: 'hello', label: 'mpi', nodesPerBlock: 1 };

  async function run(resources: { ranks: number; launcherOptions?: string }, command: string): Promise<string[]> {
    const nodes = await nodesOfBlock({}, new AbortController().signal);
    const environment = mpiEnvironment(resolveMpiSpec(resources, place), nodes, 'mpiexec');
    // mpich's own name: `mpiexec` is another's where both are installed.
    const text = `mpiexec() { mpiexec.mpich "$@"; }; $SLUICE_MPI_PREFIX ${command}`;
    const env = { ...process.env, ...environment };
    const { stdout } = await promisify(execFile)('/bin/bash', ['-c', text], { env, timeout: 20_000 });
    return stdout.trimEnd().split('\n');
  }

  test('runs a rank for each that was asked for', async () => {
    expect(await run({ ranks: 2 }, 'hostname')).toEqual([hostname(), hostname()]);
  });

  test('ranks know their number, and how many they are', async () => {
    const ranks = await run({ ranks: 3 }, `sh -c 'echo $PMI_RANK of $PMI_SIZE'`);
    expect(ranks.sort()).toEqual(['0 of 3', '1 of 3', '2 of 3']);
  });

  test('gets the options of its launcher', async () => {
    const lines = await run({ ranks: 2, launcherOptions: '-prepend-rank' }, 'echo here');
    expect(lines.sort()).toEqual(['[0] here', '[1] here']);
  });
});
