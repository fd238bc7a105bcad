import { expect, test } from 'vitest';
import { workerCount } from '../../../src/pilot/worker-count.js';

const node = { cores: 8, memoryMiB: 16_000 };

test.each([
  [8, { coresPerWorker: 1 }],
  [2, { coresPerWorker: 3 }],
  [80, { coresPerWorker: 0.1 }],
  [4, { coresPerWorker: 1, memoryMiBPerWorker: 4_000 }],
  [3, { coresPerWorker: 1, maxWorkersPerNode: 3 }],
  [2, { coresPerWorker: 1, accelerators: ['0', '1'] }],
  [1, { coresPerWorker: 1, accelerators: ['0', '1'], maxWorkersPerNode: 1 }],
  [1, { coresPerWorker: 16 }],
  [1, { coresPerWorker: 1, memoryMiBPerWorker: 64_000 }],
])('a node of 8 cores and 16,000 MiB has %i workers with %j', (count, options) => {
  expect(workerCount(node, { accelerators: [], ...options })).toBe(count);
});

test('a part of a core counts as that', () => {
  expect(workerCount({ cores: 1.5, memoryMiB: 1 }, { coresPerWorker: 0.5, accelerators: [] })).toBe(3);
  expect(workerCount({ cores: 2, memoryMiB: 1 }, { coresPerWorker: 0.01, accelerators: [] })).toBe(200);
});
