import * as vitest from 'vitest';
import { executorSuite } from '../../src/conformance/executor/executor-suite.js';
import { parseObjectUrl } from '../../src/data/data-file.js';
import { LambdaExecutor } from '../../src/executors/lambda/lambda-executor.js';
import { startDeployedCloud } from '../integration/deployed-cloud.js';
import { localFiles } from './local-files.js';

// Local files go through the bucket.
executorSuite(vitest, 'lambda, with local files', async () => {
  const cloud = await startDeployedCloud();
  const files = await localFiles();
  return {
    ...files,
    executor: new LambdaExecutor({ bucket: cloud.bucket, maxConcurrency: 4 }),
    coldStartMs: 10_000,
    close: () => files.close().finally(cloud.close),
  };
});

executorSuite(vitest, 'lambda, with s3: files', async () => {
  const cloud = await startDeployedCloud();
  const files = await localFiles();
  const store = files.run.openStore(`s3://${cloud.bucket}`);
  return {
    ...files,
    filesAt: `s3://${cloud.bucket}/files`,
    writeText: async (url, text) => void (await store.put(parseObjectUrl(url).key, Buffer.from(text))),
    readText: async (url) => {
      const { key } = parseObjectUrl(url);
      return (await store.head(key)) === undefined ? undefined : Buffer.from(await store.get(key)).toString();
    },
    executor: new LambdaExecutor({ bucket: cloud.bucket, maxConcurrency: 4 }),
    coldStartMs: 10_000,
    close: () => files.close().finally(cloud.close),
  };
});
