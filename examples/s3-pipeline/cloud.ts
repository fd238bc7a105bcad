import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { deployLambda, type LambdaOptions } from 'sluice/aws';
import { startLocalCloud } from 'sluice/local-cloud';
import { createBucket } from './bucket.js';
import type { JobOptions } from './options.js';

/** S3 and Lambda as the job needs them; disposing of it ends what was started for it, and restores the environment. */
export interface Cloud extends AsyncDisposable {
  readonly lambda: LambdaOptions;
  /** What becomes of what is in S3 when the job is done. */
  readonly afterwards: string;
}

/** Opens the cloud the options ask for. Clients find it as the AWS SDK finds any: by the process's environment. */
export function openCloud(options: JobOptions): Promise<Cloud> {
  // The SDK's version is pinned to one that runs on this Node; its warning would stand amid the progress.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return options.cloud === 'aws' ? useAws(options) : startLocally(options);
}

/** The account of the environment's credentials; `sluice deploy lambda` has made the function there. */
async function useAws({ bucket, region }: JobOptions): Promise<Cloud> {
  const before = process.env.AWS_REGION;
  if (region !== undefined) process.env.AWS_REGION = region;
  return {
    lambda: { bucket },
    afterwards: 'kept',
    async [Symbol.asyncDispose]() {
      if (before === undefined) delete process.env.AWS_REGION;
      else process.env.AWS_REGION = before;
    },
  };
}

/** A local-cloud in this process, with a bucket and the worker deployed; gone at disposal, unless it is to be kept. */
async function startLocally({ bucket, region, intermediates, outDir }: JobOptions): Promise<Cloud> {
  const folder = join(outDir, 'local-cloud');
  const cloud = await startLocalCloud({
    ...(region !== undefined && { region }),
    ...(intermediates === 'keep' && { folder }),
  });
  const restoreEnv = cloud.applyEnv();
  const close = async () => {
    restoreEnv();
    await cloud.close();
  };
  try {
    await createBucket(bucket);
    const role = 'arn:aws:iam::000000000000:role/flights';
    const { functionName } = await deployLambda({ role, memoryMiB: 512, timeoutSeconds: 120 });
    return {
      // Each invocation is a process here, and so is of use for as long as a core is free.
      lambda: { functionName, bucket, maxConcurrency: 2 * availableParallelism() },
      afterwards: intermediates === 'keep' ? `in ${folder}` : 'gone with the local cloud, unless --keep is given',
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
