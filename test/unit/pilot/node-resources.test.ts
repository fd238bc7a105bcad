import { expect, test } from 'vitest';
import { cgroupLimits } from '../../../src/pilot/cgroup-limits.js';
import { detectNode } from '../../../src/pilot/node-resources.js';
import { thrownBy } from '../../fixtures/kernel/failure-of.js';

const from = (files: Record<string, string>) => (path: string) => files[path];
const NONE = { cores: Number.POSITIVE_INFINITY, memoryMiB: Number.POSITIVE_INFINITY };

test('limits of cgroups of version 2 hold also where a parent has them', () => {
  const read = from({
    '/proc/self/cgroup': '0::/slurm/job_7/step_0\n',
    '/sys/fs/cgroup/slurm/job_7/step_0/cpu.max': 'max 100000',
    '/sys/fs/cgroup/slurm/job_7/cpu.max': '150000 100000',
    '/sys/fs/cgroup/slurm/job_7/memory.max': String(512 * 2 ** 20),
    '/sys/fs/cgroup/slurm/job_7/step_0/memory.max': 'max',
  });
  expect(cgroupLimits(read)).toEqual({ cores: 1.5, memoryMiB: 512 });
});

test('limits of cgroups of version 1 are read where their controllers are', () => {
  const read = from({
    '/proc/self/cgroup': '4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n2:cpuset:/\n',
    '/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us': '50000',
    '/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes': String(256 * 2 ** 20),
  });
  expect(cgroupLimits(read)).toEqual({ cores: 0.5, memoryMiB: 256 });
});

test('no limits, and no cgroups, are no limits', () => {
  expect(cgroupLimits(from({}))).toEqual(NONE);
  const read = from({
    '/proc/self/cgroup': '0::/\n3:cpu:/\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/memory.max': 'max',
  });
  expect(cgroupLimits(read)).toEqual(NONE);
});

test('this machine has something, and variables say it otherwise', () => {
  const found = detectNode({});
  expect(found.cores).toBeGreaterThan(0);
  expect(found.memoryMiB).toBeGreaterThan(100);
  expect(found.coreList.length).toBeGreaterThan(0);
  expect(detectNode({ SLUICE_CORES: '3', SLUICE_MEMORY_MIB: '512' })).toMatchObject({ cores: 3, memoryMiB: 512 });
  const error = thrownBy<Error>(() => detectNode({ SLUICE_CORES: 'many' }));
  expect(error.message).toBe("SLUICE_CORES is 'many': it should be a number above 0");
});
