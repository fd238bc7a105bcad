import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { LARGE, partsOf, same, storeFaults } from './store-faults.js';

const use = storeFaults({
  scheme: 's3',
  operations: { put: 'PutObject', get: 'GetObject', putPart: 'UploadPart' },
  lateErrors: { 'a 503': 'ServiceUnavailable' },
  lostInParts: [
    { operation: 'CompleteMultipartUpload', nth: 1 },
    { operation: 'UploadPart', nth: 2 },
  ],
  leftByLostParts: 0,
  openBucket: async ({ cloud: { endpoint, region }, bucket }) => {
    const credentials = { accessKeyId: 'LOCALCLOUDKEY', secretAccessKey: 'local-cloud-secret' };
    const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    return {
      storeWith: (patience) => createS3Store({ bucket, endpoint, region, credentials, ...patience }),
      uploads: async () => {
        const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
        return Uploads.length;
      },
      close: async () => s3.destroy(),
    };
  },
});

test('a 200 with an error in it is an error: the upload is completed by the next request', async () => {
  const { store, once, injected } = use();
  once({ operation: 'CompleteMultipartUpload', fault: { kind: 'error', status: 200 } });
  await store.putParts('inside', LARGE.length, partsOf(LARGE));
  expect(injected()).toEqual([1]);
  expect(same(await store.get('inside'), LARGE)).toBe(true);
});
