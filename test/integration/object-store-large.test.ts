import { CreateBucketCommand, ListMultipartUploadsCommand, ListPartsCommand, S3Client } from '@aws-sdk/client-s3';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { largeObjects } from './large-objects.js';

largeObjects({
  scheme: 's3',
  leftUpload: 'endedByTheNext',
  openBucket: async (Bucket) => {
    const s3 = new S3Client({ forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket }));
    const store = createS3Store({ bucket: Bucket });
    return {
      store,
      uploads: async () => {
        const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
        const counted = Uploads.map(async ({ Key = '', UploadId = '' }) => {
          const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
          return { id: UploadId, key: Key, parts: Parts.length };
        });
        return Promise.all(counted);
      },
      close: async () => {
        s3.destroy();
        await store.close();
      },
    };
  },
});
