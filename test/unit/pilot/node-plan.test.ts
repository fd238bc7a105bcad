import { expect, test } from 'vitest';
import { planNode } from '../../../src/pilot/node-plan.js';
import { placeVariables, shareVariables } from '../../../src/pilot/worker-environment.js';

const node = { cores: 4, memoryMiB: 8_000, coreList: [0, 1, 2, 3] };
const plain = { coresPerWorker: 1, accelerators: [], cpuAffinity: 'none', enforceMemory: false };

test('a share is what the node has, divided among its workers', () => {
  expect(planNode(node, plain)).toEqual({
    workers: [{ accelerators: [] }, { accelerators: [] }, { accelerators: [] }, { accelerators: [] }],
    share: { cores: 1, accelerators: 0 },
    memoryLimitMiB: undefined,
    accelerators: 0,
  });
  const two = planNode(node, { ...plain, maxWorkersPerNode: 2, memoryMiBPerWorker: 1_000, enforceMemory: true });
  expect(two).toMatchObject({ share: { cores: 2, memoryMiB: 4_000 }, memoryLimitMiB: 1_000 });
});

test('each worker has its cores and its accelerators, several where they are joined by commas', () => {
  const plan = planNode(node, { ...plain, accelerators: ['0,1', '2,3'], cpuAffinity: 'block' });
  expect(plan.workers).toEqual([
    { cores: [0, 1], accelerators: ['0', '1'] },
    { cores: [2, 3], accelerators: ['2', '3'] },
  ]);
  expect(plan).toMatchObject({ share: { accelerators: 2 }, accelerators: 4 });
});

test('variables name the place and the share of a worker', () => {
  expect(placeVariables({ rank: 1, count: 2, poolId: 'pool', blockId: 'block-3' })).toEqual({
    SLUICE_WORKER_RANK: '1',
    SLUICE_WORKER_COUNT: '2',
    SLUICE_WORKER_POOL_ID: 'pool',
    SLUICE_WORKER_BLOCK_ID: 'block-3',
  });
  expect(shareVariables({ accelerators: [] })).toEqual({});
  expect(shareVariables({ cores: [2, 3], accelerators: ['0', '1'] })).toEqual({
    OMP_NUM_THREADS: '2',
    GOMP_CPU_AFFINITY: '2,3',
    KMP_AFFINITY: 'explicit,proclist=[2,3]',
    CUDA_VISIBLE_DEVICES: '0,1',
    ROCR_VISIBLE_DEVICES: '0,1',
    ZE_AFFINITY_MASK: '0,1',
    ZE_ENABLE_PCI_ID_DEVICE_ORDER: '1',
  });
});
