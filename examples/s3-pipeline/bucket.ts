import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  DeleteObjectsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';

/** Makes the bucket, unless this account has it already. */
export async function createBucket(bucket: string): Promise<void> {
  await withClient(async (client) => {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    } catch (error) {
      if (error instanceof BucketAlreadyOwnedByYou) return;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot make bucket '${bucket}': ${why}`, { cause: error });
    }
  });
}

/** Deletes every object whose URL begins with `url`, `s3://bucket/prefix/`. */
export async function deleteBelow(url: string): Promise<void> {
  const { hostname: Bucket, pathname } = new URL(url);
  await withClient(async (client) => {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: pathname.slice(1) })) {
      if (Contents.length === 0) continue;
      const { Errors: [failed] = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: Contents.map(({ Key }) => ({ Key })), Quiet: true } }),
      );
      if (failed !== undefined) throw new Error(`cannot delete s3://${Bucket}/${failed.Key}: ${failed.Message}`);
    }
  });
}

async function withClient(use: (client: S3Client) => Promise<void>): Promise<void> {
  // A server other than Amazon's wants the bucket in the path.
  const client = new S3Client({
    forcePathStyle: (process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL) !== undefined,
  });
  try {
    await use(client);
  } finally {
    client.destroy();
  }
}
