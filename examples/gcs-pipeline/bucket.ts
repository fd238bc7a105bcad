import { Storage } from '@google-cloud/storage';

/** Makes the bucket, unless this project has it already. */
export async function createBucket(bucket: string): Promise<void> {
  try {
    await new Storage().createBucket(bucket);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 409) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot make bucket '${bucket}': ${why}`, { cause: error });
  }
}

/** Deletes every object whose URL begins with `url`, `gs://bucket/prefix/`. */
export async function deleteBelow(url: string): Promise<void> {
  const { hostname, pathname } = new URL(url);
  await new Storage().bucket(hostname).deleteFiles({ prefix: pathname.slice(1) });
}
