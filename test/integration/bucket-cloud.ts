import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Faults } from '../../src/local-cloud/faults/fault.js';
import { startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import type { LocalCloudOptions } from '../../src/local-cloud/local-cloud-options.js';

/** A local-cloud that this process's environment leads to, with a bucket. */
export interface BucketCloud {
  readonly bucket: string;
  readonly endpoint: string;
  readonly faults: Faults;
  close(): Promise<void>;
}

/** Starts one; `close` restores the environment and ends everything. */
export async function startBucketCloud(options?: LocalCloudOptions): Promise<BucketCloud> {
  const cloud = await startLocalCloud(options);
  const restore = cloud.applyEnv();
  const close = async (): Promise<void> => {
    restore();
    await cloud.close();
  };
  try {
    const s3 = new S3Client({ forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'my-bucket' }));
    s3.destroy();
    return { bucket: 'my-bucket', endpoint: cloud.endpoint, faults: cloud.faults, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Keys of everything in a bucket of the cloud that this process's environment leads to. */
export async function keysIn(bucket: string): Promise<string[]> {
  const s3 = new S3Client({ forcePathStyle: true });
  try {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = '' }) => Key);
  } finally {
    s3.destroy();
  }
}
