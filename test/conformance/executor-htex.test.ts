import { HighThroughputExecutor, type HighThroughputOptions } from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import * as vitest from 'vitest';
import { executorSuite } from '../../src/conformance/executor/executor-suite.js';
import { localFiles } from './local-files.js';

const variants: Readonly<Record<string, () => Partial<HighThroughputOptions>>> = {
  'htex, encrypted': () => ({}),
  'htex, in the clear': () => ({ encrypted: false }),
  'htex, everything on': () => ({
    provider: new LocalProvider({ initBlocks: 2, minBlocks: 1, maxBlocks: 2 }),
    availableAccelerators: 2,
    cpuAffinity: 'block',
    memoryMiBPerWorker: 2_048,
    prefetch: 4,
    managerSelection: 'near',
    strategy: 'htex-auto-scale',
    blockErrorHandler: 'windowed',
    drainPeriodMs: 3_600_000,
    spillBytes: 16 * 1024,
    ports: { from: 54_000, to: 55_000 },
  }),
};

for (const [name, options] of Object.entries(variants)) {
  executorSuite(vitest, name, async () => ({
    ...(await localFiles()),
    executor: new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: 2, ...options() }),
    coldStartMs: 20_000,
  }));
}
