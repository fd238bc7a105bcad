import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { app, type DataFile, file, load, ThreadPoolExecutor } from 'sluice';
import { downloadBarely } from '../bare/s3-download.js';
import { startCloudProcess } from '../cloud-process.js';
import type { Group } from '../groups.js';
import { measured } from '../row.js';

const MIB = 1024 * 1024;
const TASKS = 64;
const THREADS = 16;
const SIZE = 64 * MIB;

/** Files on their way, with a local-cloud in another process. */
export const measure: Group = async (runs, report) => {
  await using _cloud = await startCloudProcess(1);
  const s3 = new S3Client({ forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'bench' }));
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-staging-'));
  await chmod(folder, 0o777);
  try {
    report(
      await measured(
        {
          name: `${TASKS} tasks on ${THREADS} threads, one input of 64 MiB, until the last has begun, beside one bare download`,
          unit: ' s',
          targets: [{ of: 'ratio', is: 'at most', value: 1.5 }],
        },
        runs,
        () => asUser(() => lastStartSeconds(s3, folder)),
        () => asUser(() => bareSeconds(s3, folder)),
      ),
    );
  } finally {
    s3.destroy();
    await rm(folder, { recursive: true, force: true });
  }
};

async function lastStartSeconds(s3: S3Client, folder: string): Promise<number> {
  const key = await put(s3, SIZE);
  const cache = { directory: join(folder, 'cache') };
  const executor = new ThreadPoolExecutor({ maxThreads: THREADS });
  const kernel = await load({
    executors: [executor],
    asDefault: false,
    handleSignals: false,
    runDir: join(folder, 'runs'),
    cache,
  });
  try {
    const begun = app((_: DataFile) => performance.timeOrigin + performance.now(), { name: 'begun', kernel });
    const rest = app((_: DataFile) => new Promise<void>((resolve) => setTimeout(resolve, 500)), {
      name: 'rest',
      kernel,
    });
    // Every thread has met the object store, as those of a run that is under way have.
    const small = file(`s3://bench/${await put(s3, 1024)}`);
    for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: THREADS }, () => rest(small)));
    const submittedMs = performance.timeOrigin + performance.now();
    const input = file(`s3://bench/${key}`);
    const startsMs = await Promise.all(Array.from({ length: TASKS }, () => begun(input)));
    return (Math.max(...startsMs) - submittedMs) / 1000;
  } finally {
    await kernel.close();
    await rm(cache.directory, { recursive: true, force: true });
  }
}

async function bareSeconds(s3: S3Client, folder: string): Promise<number> {
  const [warm, key] = [await put(s3, MIB), await put(s3, SIZE)];
  const path = join(folder, 'bare');
  await downloadBarely(s3, warm, MIB, path);
  const startedMs = performance.now();
  await downloadBarely(s3, key, SIZE, path);
  return (performance.now() - startedMs) / 1000;
}

let objects = 0;

async function put(s3: S3Client, size: number): Promise<string> {
  objects += 1;
  const Key = `object-${objects}`;
  await s3.send(new PutObjectCommand({ Bucket: 'bench', Key, Body: Buffer.alloc(size, `content of ${Key} `) }));
  return Key;
}

/** As a user who is not root, to whom a node's cache gives links instead of copies. */
async function asUser<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

const NOBODY = 65_534;
