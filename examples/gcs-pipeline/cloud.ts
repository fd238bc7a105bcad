import { join } from 'node:path';
import { startLocalCloud } from 'sluice/local-cloud';
import type { JobOptions } from '../s3-pipeline/options.js';
import { createBucket } from './bucket.js';

/** Cloud Storage as the job needs it; disposing of it ends what was started for it, and restores the environment. */
export interface Cloud extends AsyncDisposable {
  /** What becomes of what is in the bucket when the job is done. */
  readonly afterwards: string;
}

/** Opens the cloud the options ask for. Clients find it as Google's SDKs find any: by the process's environment. */
export function openCloud(options: JobOptions): Promise<Cloud> {
  return options.cloud === 'gcp' ? useGcp() : startLocally(options);
}

/** The project of the environment's credentials. */
async function useGcp(): Promise<Cloud> {
  return { afterwards: 'kept', [Symbol.asyncDispose]: async () => undefined };
}

/** A local-cloud in this process, with a bucket; gone at disposal, unless it is to be kept. */
async function startLocally({ bucket, intermediates, outDir }: JobOptions): Promise<Cloud> {
  const folder = join(outDir, 'local-cloud');
  const cloud = await startLocalCloud(intermediates === 'keep' ? { folder } : {});
  const restoreEnv = cloud.applyEnv();
  const close = async () => {
    restoreEnv();
    await cloud.close();
  };
  try {
    await createBucket(bucket);
    return {
      afterwards: intermediates === 'keep' ? `in ${folder}` : 'gone with the local cloud, unless --keep is given',
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
