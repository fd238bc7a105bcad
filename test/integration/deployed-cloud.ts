import { type DeployLambdaOptions, deployLambda } from '../../src/executors/lambda/deploy-lambda.js';
import type { LocalCloudOptions } from '../../src/local-cloud/local-cloud-options.js';
import { type BucketCloud, startBucketCloud } from './bucket-cloud.js';

/** A local-cloud that this process's environment leads to, with a bucket and the worker function deployed. */
export type DeployedCloud = BucketCloud;

/** Starts one; `close` restores the environment and ends everything. */
export async function startDeployedCloud(
  options: { readonly cloud?: LocalCloudOptions; readonly fn?: DeployLambdaOptions } = {},
): Promise<DeployedCloud> {
  const cloud = await startBucketCloud(options.cloud);
  try {
    await deployLambda({
      role: 'arn:aws:iam::000000000000:role/worker',
      memoryMiB: 512,
      timeoutSeconds: 30,
      ...options.fn,
    });
    return cloud;
  } catch (error) {
    await cloud.close();
    throw error;
  }
}
