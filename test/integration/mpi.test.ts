import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { app, bash, type Io, load, MpiExecutor, type SluiceError } from 'sluice';
import { LocalProvider, SimpleLauncher, SingleNodeLauncher } from 'sluice/hpc';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { requireOrSkip } from './required-server.js';

const mpich = requireOrSkip('mpich', { command: 'mpiexec.mpich', install: 'apt-get install mpich' });
const LONG_MS = 60_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-mpi-'));
});
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A kernel over one block of three nodes; each is another name of this machine. */
async function threeNodes(executor: { mpiLauncher?: 'mpiexec' | 'srun' } = {}) {
  const nodes = join(folder, 'nodes');
  await writeFile(nodes, 'localhost\n127.0.0.1\n127.0.0.1\n127.0.0.2\n');
  const provider = new LocalProvider({
    nodesPerBlock: 3,
    launcher: new SimpleLauncher(),
    // As a scheduler says it; and mpich's own name, since `mpiexec` is another's where both are installed.
    workerInit: `export PBS_NODEFILE=${nodes}\nmpiexec() { mpiexec.mpich "$@"; }\nexport -f mpiexec`,
  });
  return load({
    executors: [new MpiExecutor({ provider, ...executor })],
    asDefault: false,
    handleSignals: false,
    runDir: folder,
  });
}

describe('the MPI executor', () => {
  test(
    'gives each task nodes of its own, and tells them by the variables of its launcher',
    async () => {
      await using kernel = await threeNodes({ mpiLauncher: 'srun' });
      const about = app(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          const names = ['SLUICE_MPI_PREFIX', 'SLUICE_NUM_NODES', 'SLUICE_NUM_RANKS', 'SLUICE_MPI_NODELIST'];
          return names.map((name) => process.env[name] ?? '');
        },
        { name: 'about', kernel },
      );
      const two = about.with({ resources: { nodes: 2, ranksPerNode: 4 } })();
      const one = about.with({ resources: { ranks: 1 } })();
      const [prefix, nodes, ranks, list] = await two;
      expect([nodes, ranks]).toEqual(['2', '8']);
      expect(prefix).toBe(`srun --ntasks 8 --ntasks-per-node 4 --nodelist ${list} --nodes 2`);
      const taken = [...(list ?? '').split(','), (await one)[3]];
      expect(taken.toSorted()).toEqual(['127.0.0.1', '127.0.0.2', 'localhost']);
    },
    LONG_MS,
  );

  test(
    'holds a task back until its nodes are free, and lets a smaller one by',
    async () => {
      await using kernel = await threeNodes();
      const log = join(folder, 'log');
      const note = app(
        async (name: string, path: string) => {
          const { appendFile } = await import('node:fs/promises');
          await appendFile(path, `${name} begins\n`);
          await new Promise((resolve) => setTimeout(resolve, 400));
          await appendFile(path, `${name} ends\n`);
        },
        { name: 'note', kernel },
      );
      const take = (nodes: number) => note.with({ resources: { nodes } });
      await Promise.all([take(2)('two', log), take(3)('three', log), take(1)('one', log)]);
      const lines = (await readFile(log, 'utf8')).trim().split('\n');
      expect(lines.slice(0, 2).toSorted()).toEqual(['one begins', 'two begins']);
      expect(lines.slice(-2)).toEqual(['three begins', 'three ends']);
    },
    LONG_MS,
  );

  test(
    'refuses what no block can give, and what does not say what it runs on, naming the key',
    async () => {
      await using kernel = await threeNodes();
      const task = app(() => 1, { name: 'task', kernel });
      const large = await failureOf<SluiceError>(task.with({ resources: { nodes: 4 } })());
      expect(large).toMatchObject({ code: 'RESOURCES_NOT_HONOURED', message: expect.stringMatching(/nodes: 4/) });
      const none = await failureOf<SluiceError>(task());
      expect(none).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringMatching(/what it runs on/) });
      const odd = task.with({ resources: { nodes: 2, ranks: 4, ranksPerNode: 3 } })();
      expect((await failureOf<SluiceError>(odd)).message).toMatch(/do not fit/);
    },
    LONG_MS,
  );

  test('refuses a launcher that would start a manager on each node', () => {
    const provider = new LocalProvider({ nodesPerBlock: 2, launcher: new SingleNodeLauncher() });
    expect(() => new MpiExecutor({ provider })).toThrow(/MPI needs one for all of them/);
  });

  test.skipIf(!mpich)(
    'starts ranks for real, with mpich',
    async () => {
      await using kernel = await threeNodes();
      const hosts = bash(
        (io: Io) =>
          io.sh`${io.sh`$SLUICE_MPI_PREFIX`} sh -c 'echo $PMI_RANK of $PMI_SIZE on $(hostname)' > ${io.outputs[0]}`,
        {
          name: 'hosts',
          kernel,
        },
      );
      const path = join(folder, 'hosts.txt');
      await hosts({ outputs: [path], resources: { nodes: 2, ranksPerNode: 2 } });
      const lines = (await readFile(path, 'utf8')).trim().split('\n').toSorted();
      expect(lines).toEqual([0, 1, 2, 3].map((rank) => `${rank} of 4 on ${hostname()}`));
    },
    LONG_MS,
  );
});
