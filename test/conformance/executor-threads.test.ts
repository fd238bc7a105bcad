import * as vitest from 'vitest';
import { executorSuite } from '../../src/conformance/executor/executor-suite.js';
import { ThreadPoolExecutor } from '../../src/executors/threads/thread-pool-executor.js';
import { localFiles } from './local-files.js';

executorSuite(vitest, 'threads', async () => ({
  ...(await localFiles()),
  executor: new ThreadPoolExecutor({ maxThreads: 2 }),
  coldStartMs: 10_000,
}));
