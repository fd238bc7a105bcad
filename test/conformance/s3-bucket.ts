import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { ObjectStoreFixture } from '../../src/conformance/object-store/fixture.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';

/** A bucket of its own on a server that speaks S3, as a fixture of the conformance suites. */
export async function createS3Bucket({
  endpoint,
  credentials,
}: {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}): Promise<ObjectStoreFixture> {
  const server = { endpoint, credentials };
  const bucket = `b-${randomUUID()}`;
  const client = new S3Client({ ...server, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const store = createS3Store({ ...server, region: 'us-east-1', bucket });
  const missingBucket = createS3Store({ ...server, region: 'us-east-1', bucket: `${bucket}-missing` });
  return {
    store,
    missingBucket,
    openUploads: async () => {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      return Uploads.length;
    },
    close: async () => {
      await Promise.all([store.close(), missingBucket.close()]);
      client.destroy();
    },
  };
}
