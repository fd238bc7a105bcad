import { HighThroughputExecutor, type HighThroughputOptions } from 'sluice';
import { LocalProvider } from 'sluice/hpc';
import * as vitest from 'vitest';
import { executorSuite } from '../../src/conformance/executor/executor-suite.js';
import { elsewhere } from '../fixtures/htex/elsewhere.js';
import { keysIn, startBucketCloud } from '../integration/bucket-cloud.js';
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
    peerTransfers: { perSource: 2 },
    temporaryFiles: 'node',
  }),
};

for (const [name, options] of Object.entries(variants)) {
  executorSuite(vitest, name, async () => ({
    ...(await localFiles()),
    executor: new HighThroughputExecutor({ provider: new LocalProvider(), maxWorkersPerNode: 2, ...options() }),
    coldStartMs: 20_000,
  }));
}

// Workers see nothing of the client's disk: local files and large values go through the bucket, and `temp:` files may.
for (const temporaryFiles of ['node', 'run'] as const) {
  executorSuite(vitest, `htex, elsewhere, with a bucket, temporary files: ${temporaryFiles}`, () =>
    elsewhereWithBucket(temporaryFiles),
  );
}

async function elsewhereWithBucket(temporaryFiles: 'node' | 'run') {
  const [cloud, place] = [await startBucketCloud(), await elsewhere()];
  const files = await localFiles(place.client);
  return {
    ...files,
    executor: new HighThroughputExecutor({
      provider: place.provider(),
      maxWorkersPerNode: 2,
      bucket: cloud.bucket,
      temporaryFiles,
      prefix: 'team/runs',
      region: 'us-east-1',
    }),
    coldStartMs: 20_000,
    markers: place.node,
    async close() {
      vitest.expect(await keysIn(cloud.bucket)).toEqual([]);
      await files.close();
      await place[Symbol.asyncDispose]();
      await cloud.close();
    },
  };
}
