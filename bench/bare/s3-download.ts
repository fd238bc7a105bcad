import { open } from 'node:fs/promises';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

const PART_BYTES = 8 * 1024 * 1024;
const LANES = 4;

/** The SDK alone, which downloads ranges of an object, so many at a time, to their places in a file. */
export async function downloadBarely(s3: S3Client, key: string, size: number, path: string): Promise<void> {
  const handle = await open(path, 'w');
  try {
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let start = next; start < size; start = next) {
        next = Math.min(size, start + PART_BYTES);
        const Range = `bytes=${start}-${next - 1}`;
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bench', Key: key, Range }));
        await handle.write((await Body?.transformToByteArray()) ?? new Uint8Array(), 0, undefined, start);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await handle.close();
  }
}
