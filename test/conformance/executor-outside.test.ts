import { executorSuite } from 'sluice/conformance';
import * as vitest from 'vitest';
import { ProcessExecutor } from '../fixtures/process-executor/process-executor.js';
import { localFiles } from './local-files.js';

executorSuite(vitest, 'an executor written outside', async () => ({
  ...(await localFiles()),
  executor: new ProcessExecutor(),
  coldStartMs: 10_000,
}));
