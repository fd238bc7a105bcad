import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { identitiesOf } from 'sluice';
import { downloadObject } from '../../src/data/objects/download-object.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { fetchRanges } from '../bare/fetch-ranges.js';
import { startCloudProcess } from '../cloud-process.js';
import type { Group } from '../groups.js';
import {
  awsCopy,
  bareCopy,
  hasProgram,
  rcloneCopy,
  run,
  type S3Server,
  sluiceCopy,
  startRadosgw,
} from '../programs.js';
import { measured, type Row, rowOf } from '../row.js';

const MIB = 1024 * 1024;
const SMALL = { count: 2_000, bytes: 100_000 };
const BUCKET = 'bench-transfers';

/** Programs as users start them, each from its start to its end: the same files, the same server, one after the other. */
export const measure: Group = async (runs, report) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-transfers-'));
  try {
    await writeFiles(folder);
    if (hasProgram('radosgw')) await onRadosgw(runs, folder, report);
    else
      console.error(
        'bench: radosgw is not here (apt-get install radosgw ceph-mon ceph-osd ceph-common): its rows are left out',
      );
    await onLocalCloud(runs, folder, report);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function writeFiles(folder: string): Promise<void> {
  await mkdir(join(folder, 'small'));
  for (let index = 0; index < SMALL.count; index++) {
    await writeFile(join(folder, 'small', `f${index}.bin`), randomBytes(SMALL.bytes));
  }
  await mkdir(join(folder, 'large'));
  await writeFile(join(folder, 'large', 'big.bin'), randomBytes(256 * MIB));
}

type Copy = (server: S3Server, from: string, to: string) => Promise<void>;

async function onRadosgw(runs: number, folder: string, report: (row: Row) => void): Promise<void> {
  await using server = await startRadosgw();
  await createBucket(server);
  for (const [peer, name, limits] of [
    [awsCopy, 'aws s3 cp', { up: 1 / 1.4, down: 1 / 2.5, large: 1 / 1.3 }],
    [rcloneCopy, 'rclone copy --transfers 32', { up: 1, down: 1, large: 1 }],
  ] as const) {
    if (!hasProgram(name.split(' ', 1)[0] as string)) continue;
    const beside = (what: string, atMost: number, files: 'small' | 'large', way: 'up' | 'down') =>
      besidePeer({ name: `${what} radosgw, beside ${name}`, atMost }, { runs, server, folder, files, way, peer });
    report(await beside('2,000 files of 100 kB up to', limits.up, 'small', 'up'));
    report(await beside('2,000 files of 100 kB down from', limits.down, 'small', 'down'));
    report(await beside('256 MiB up to', limits.large, 'large', 'up'));
    report(await beside('256 MiB down from', limits.large, 'large', 'down'));
  }
  if (hasProgram('rclone')) {
    // What Node itself makes of it: our own way there does more.
    for (const [what, files] of [
      ['2,000 files of 100 kB', 'small'],
      ['256 MiB', 'large'],
    ] as const) {
      const name = `${what} down, a bare program of sockets beside rclone`;
      report(await besidePeer({ name }, { runs, server, folder, files, way: 'down', own: bareCopy, peer: rcloneCopy }));
    }
  }
  report(await besideFetch(runs, server, folder));
}

async function onLocalCloud(runs: number, folder: string, report: (row: Row) => void): Promise<void> {
  await using _cloud = await startCloudProcess(1);
  const server: S3Server = { env: process.env as Record<string, string>, endpoint: process.env.AWS_ENDPOINT_URL ?? '' };
  await createBucket(server);
  if (hasProgram('aws')) {
    for (const way of ['up', 'down'] as const) {
      const figure = { name: `2,000 files of 100 kB ${way}, local-cloud, beside aws s3 cp`, atMost: 1 / 3 };
      report(await besidePeer(figure, { runs, server, folder, files: 'small', way, peer: awsCopy }));
    }
  }
  report(await existence(runs));
  report(await peakMemory(server, folder));
}

interface Comparison {
  readonly runs: number;
  readonly server: S3Server;
  readonly folder: string;
  readonly files: 'small' | 'large';
  readonly way: 'up' | 'down';
  /** Default: the command. */
  readonly own?: Copy;
  readonly peer: Copy;
}

let round = 0;

function besidePeer(
  { name, atMost }: { readonly name: string; readonly atMost?: number },
  { runs, server, folder, files, way, own = sluiceCopy, peer }: Comparison,
): Promise<Row> {
  const seconds = (copy: Copy) => async () => {
    round += 1;
    const [local, remote] = [join(folder, files), `${BUCKET}/${round}/`];
    // Small ones are kept to the end: ext4 searches longer for room for a file, the more were deleted in the last minutes.
    const target = join(folder, `down-${round}`);
    if (way === 'down') await sluiceCopy(server, `${local}/`, `s3://${remote}`);
    const startedMs = performance.now();
    if (way === 'up') await copy(server, `${local}/`, `s3://${remote}`);
    else await copy(server, `s3://${remote}`, `${target}/`);
    const elapsed = (performance.now() - startedMs) / 1_000;
    await sluiceRemove(server, remote);
    // Memory that files had is had again in no time; a virtual machine's, anew, in 0.7 s for each 256 MiB.
    if (files === 'large') await rm(target, { recursive: true, force: true });
    return elapsed;
  };
  const targets =
    atMost === undefined ? [] : [{ of: 'ratio', is: 'at most', value: Number(atMost.toFixed(2)) } as const];
  return measured({ name, unit: ' s', targets }, runs, seconds(own), seconds(peer));
}

function sluiceRemove(server: S3Server, prefix: string): Promise<void> {
  return run(server, process.execPath, ['dist/bin/sluice.js', 'stage', 'rm', '-r', `s3://${prefix}`]);
}

async function besideFetch(runs: number, server: S3Server, folder: string): Promise<Row> {
  const store = storeOf(server);
  const path = join(folder, 'large', 'big.bin');
  const size = 256 * MIB;
  const file = await open(path);
  await store.putParts('fetched', size, async ({ start, end }: { start: number; end: number }) => {
    const bytes = new Uint8Array(end - start + 1);
    await file.read(bytes, 0, bytes.byteLength, start);
    return bytes;
  });
  await file.close();
  const url = await store.presign('fetched', { method: 'GET', expiresInSeconds: 3_600 });
  const figure = {
    name: '256 MiB from radosgw to a file, MiB/s, beside fetch of the same ranges to nowhere',
    unit: '/s',
    targets: [{ of: 'ratio', is: 'at least', value: 0.7 }],
  } as const;
  const rate = async (download: () => Promise<void>) => {
    const startedMs = performance.now();
    await download();
    return 256 / ((performance.now() - startedMs) / 1_000);
  };
  const row = await measured(
    figure,
    runs,
    () => rate(() => sluiceCopyInProcess(store, join(folder, 'fetched'))),
    () => rate(() => fetchRanges(url, size)),
  );
  await store.close();
  return row;
}

async function sluiceCopyInProcess(store: ReturnType<typeof storeOf>, path: string): Promise<void> {
  await downloadObject(store, 'fetched', { path, signal: new AbortController().signal });
  await rm(path);
}

async function existence(runs: number): Promise<Row> {
  const store = createS3Store({ bucket: BUCKET });
  const names = Array.from({ length: 14_000 }, (_, index) => `many/${index}.bin`);
  for (let at = 0; at < names.length; at += 200) {
    await Promise.all(names.slice(at, at + 200).map((name) => store.put(name, new Uint8Array(1))));
  }
  await store.close();
  const figure = {
    name: '14,000 existence checks, local-cloud',
    unit: ' s',
    targets: [{ of: 'sluice', is: 'at most', value: 2 }],
  } as const;
  return measured(figure, runs, async () => {
    const startedMs = performance.now();
    const found = await identitiesOf(names.map((name) => `s3://${BUCKET}/${name}`));
    if (found.size !== names.length) throw new Error(`${found.size} of ${names.length} found`);
    return (performance.now() - startedMs) / 1_000;
  });
}

async function peakMemory(server: S3Server, folder: string): Promise<Row> {
  const path = join(folder, 'huge.bin');
  const file = await open(path, 'w');
  await file.truncate(4_096 * MIB);
  await file.close();
  const measureOne = async (from: string, to: string): Promise<number> => {
    const report = join(folder, 'rss');
    await run({ ...server, env: { ...server.env, SLUICE_BENCH_RSS: report } }, process.execPath, [
      '--import',
      './bench/report-rss.mjs',
      'dist/bin/sluice.js',
      'stage',
      'cp',
      '-q',
      from,
      to,
    ]);
    return Number(await readFile(report, 'utf8')) / 1024;
  };
  const up = await measureOne(path, `s3://${BUCKET}/huge.bin`);
  await rm(path);
  const down = await measureOne(`s3://${BUCKET}/huge.bin`, path);
  await rm(path);
  const figure = {
    name: 'peak memory of a 4 GiB transfer, the larger of up and down',
    unit: ' MiB',
    targets: [{ of: 'sluice', is: 'at most', value: 200 }],
  } as const;
  return rowOf(figure, [{ sluice: Math.max(up, down) }]);
}

function storeOf(server: S3Server) {
  return createS3Store({
    bucket: BUCKET,
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: {
      accessKeyId: server.env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
}

async function createBucket(server: S3Server): Promise<void> {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: server.env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: server.env.AWS_SECRET_ACCESS_KEY ?? '',
    },
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
}
