import type { Resources } from 'sluice';
import { expect, test } from 'vitest';
import { resolveMpiSpec } from '../../../../src/executors/mpi/mpi-spec.js';
import { thrownBy } from '../../../fixtures/kernel/failure-of.js';

const place = { app: 'simulate', label: 'mpi', nodesPerBlock: 4 };
const counts = (resources: Resources): number[] => {
  const { nodes, ranks, ranksPerNode } = resolveMpiSpec(resources, place);
  return [nodes, ranks, ranksPerNode];
};
const refusal = (resources: object | undefined): Error =>
  thrownBy<Error>(() => resolveMpiSpec(resources as Resources | undefined, place));

test('any two of nodes, ranks and ranks per node give the third', () => {
  expect(counts({ nodes: 2, ranks: 8 })).toEqual([2, 8, 4]);
  expect(counts({ nodes: 2, ranksPerNode: 4 })).toEqual([2, 8, 4]);
  expect(counts({ ranks: 8, ranksPerNode: 4 })).toEqual([2, 8, 4]);
  expect(counts({ nodes: 2, ranks: 8, ranksPerNode: 4 })).toEqual([2, 8, 4]);
});

test('the last node may have fewer ranks', () => {
  expect(counts({ nodes: 2, ranks: 7 })).toEqual([2, 7, 4]);
  expect(counts({ ranks: 7, ranksPerNode: 4 })).toEqual([2, 7, 4]);
  expect(counts({ nodes: 2, ranks: 7, ranksPerNode: 4 })).toEqual([2, 7, 4]);
});

test('one alone stands for one node, or for one rank on each', () => {
  expect(counts({ nodes: 3 })).toEqual([3, 3, 1]);
  expect(counts({ ranks: 3 })).toEqual([1, 3, 3]);
  expect(counts({ ranksPerNode: 3 })).toEqual([1, 3, 3]);
});

test('options of the launcher are kept as they are', () => {
  expect(resolveMpiSpec({ nodes: 1, launcherOptions: '--bind-to core' }, place).launcherOptions).toBe('--bind-to core');
  expect(resolveMpiSpec({ nodes: 1 }, place).launcherOptions).toBe('');
});

test.each([
  ['without any of the three', { launcherOptions: '-v' }, 'must say what it runs on'],
  ['without resources', undefined, 'must say what it runs on'],
  ['with a zero', { nodes: 0, ranks: 4 }, 'nodes, not 0'],
  ['with a negative number', { nodes: 1, ranks: -4 }, 'ranks, not -4'],
  ['with a part of one', { nodes: 1, ranksPerNode: 1.5 }, 'ranksPerNode, not 1.5'],
  ['with nodes that have no rank', { nodes: 4, ranks: 3 }, 'nodes are idle'],
  ['with too many ranks for their nodes', { nodes: 2, ranks: 9, ranksPerNode: 4 }, 'ranks: 9 and ranksPerNode: 4'],
  ['with too few ranks for their nodes', { nodes: 2, ranks: 6, ranksPerNode: 4 }, 'ranks: 6 and ranksPerNode: 4'],
])('a task %s is refused as INVALID_OPTIONS', (_, resources, why) => {
  const error = refusal(resources);
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', class: 'usage' });
  expect(error.message).toContain("app 'simulate' on the MPI executor 'mpi'");
  expect(error.message).toContain(why);
});

test.each([
  ['for keys that are not about MPI', { nodes: 1, cores: 2, memoryMiB: 100 }, 'cores, memoryMiB'],
  ['for more nodes than a block has', { nodes: 5 }, 'nodes: 5, and a block has 4'],
  ['for ranks that take more nodes than a block has', { ranks: 20, ranksPerNode: 4 }, 'nodes: 5, and a block has 4'],
])('a task that asks %s is refused as RESOURCES_NOT_HONOURED', (_, resources, why) => {
  const error = refusal(resources);
  expect(error).toMatchObject({ code: 'RESOURCES_NOT_HONOURED', class: 'usage' });
  expect(error.message).toContain(why);
});
