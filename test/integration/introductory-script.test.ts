import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { app, bash, type DataFile, file, load, ThreadPoolExecutor } from 'sluice';
import { LambdaExecutor } from 'sluice/aws';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type DeployedCloud, startDeployedCloud } from './deployed-cloud.js';

let cloud: DeployedCloud;
let folder: string;
let cwd: string;
beforeAll(async () => {
  cwd = process.cwd();
  folder = await mkdtemp(joinPath(tmpdir(), 'sluice-intro-'));
  cloud = await startDeployedCloud();
  await put('a.txt', 'It was a bright cold day in April\n');
  await put('b.txt', 'and the clocks were striking thirteen\n');
  // Runs go below the working directory.
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(cwd);
  await cloud?.close();
  await rm(folder, { recursive: true, force: true });
});

async function withS3<T>(use: (s3: S3Client) => Promise<T>): Promise<T> {
  const s3 = new S3Client({ forcePathStyle: true });
  return use(s3).finally(() => s3.destroy());
}

async function put(key: string, body: string): Promise<void> {
  await withS3((s3) => s3.send(new PutObjectCommand({ Bucket: cloud.bucket, Key: key, Body: body })));
}

/** The script that shows Sluice whole, but for its cluster: threads stand in for it. */
async function block(): Promise<void> {
  await using flow = await load({
    executors: [
      new LambdaExecutor({ label: 'burst', functionName: 'sluice-worker', bucket: 'my-bucket' }),
      new ThreadPoolExecutor({ label: 'hpc' }),
    ],
    retries: 2,
  });

  const count = app(
    async (text: DataFile) => {
      // a function app: its source ships to the worker
      const { readFile } = await import('node:fs/promises');
      return (await readFile(text.path, 'utf8')).split(/\s+/).length;
    },
    { name: 'count', executors: ['burst'] },
  );

  const concat = bash((io) => io.sh`cat ${io.inputs} > ${io.outputs[0]}`, { name: 'concat', executors: ['hpc'] });

  const books = ['a.txt', 'b.txt'].map((key) => file(`s3://my-bucket/${key}`));
  const counts = books.map((book) => count(book)); // AppFuture<number>[]
  const all = concat({ inputs: books, outputs: ['s3://my-bucket/all.txt'] });
  console.log(await Promise.all(counts), await count(all.outputs[0])); // a DataFuture is a dependency like any other

  expect(Object.keys(flow.stats().byExecutor).sort()).toEqual(['burst', 'hpc']);
  expect(flow.stats().byStatus).toMatchObject({ done: 4 });
}

test('the introductory script runs as it is written', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await block();
    // A text that ends with a newline has an empty word after it: 8 + 1, 6 + 1, and together 14 + 1.
    expect(log.mock.calls).toEqual([[[9, 7], 15]]);
  } finally {
    log.mockRestore();
  }
  const all = await withS3(async (s3) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'my-bucket', Key: 'all.txt' }));
    return Body?.transformToString();
  });
  expect(all).toBe('It was a bright cold day in April\nand the clocks were striking thirteen\n');
});
