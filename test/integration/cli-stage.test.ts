import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLocalCloud } from '../../src/local-cloud/local-cloud.js';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';

const MAIN = fileURLToPath(new URL('../../dist/bin/sluice.js', import.meta.url));

let cloud: Awaited<ReturnType<typeof startLocalCloud>>;
let restore: () => void;
let folder: string;
let temporary: string;
let bucket: string;
let count = 0;
beforeAll(async () => {
  cloud = await startLocalCloud({});
  restore = cloud.applyEnv();
});
afterAll(async () => {
  restore();
  await cloud?.close();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-stage-'));
  temporary = await mkdtemp(join(tmpdir(), 'sluice-stage-tmp-'));
  count += 1;
  bucket = `bucket-${count}`;
  const client = new S3Client({ forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return async () => {
    expect(await readdir(temporary)).toEqual([]);
    await Promise.all([folder, temporary].map((path) => rm(path, { recursive: true })));
  };
});

function stage(...args: string[]) {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: temporary, ...cloud.env };
  return execa(process.execPath, [MAIN, 'stage', ...args], { cwd: folder, env, extendEnv: false, reject: false });
}

async function withStore<T>(use: (store: ReturnType<typeof createS3Store>) => Promise<T>): Promise<T> {
  const store = createS3Store({ bucket });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

const put = (...keys: string[]) =>
  withStore(async (store) => {
    for (const key of keys) await store.put(key, Buffer.from(`content of ${key}`));
  });

const keys = () =>
  withStore(async (store) => {
    const found: string[] = [];
    for await (const { key } of store.listAfter('')) found.push(key);
    return found;
  });

describe('sluice stage', () => {
  test('a folder goes up, is listed, comes down the same, and is removed', async () => {
    await mkdir(join(folder, 'data', 'deep er'), { recursive: true });
    await writeFile(join(folder, 'data', 'a.csv'), 'A');
    await writeFile(join(folder, 'data', 'deep er', 'b%+.csv'), Buffer.alloc(9 * 1024 * 1024, 7));
    const up = await stage('cp', '-r', 'data/', `s3://${bucket}/in/`);
    expect(up).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringMatching(/^2 files, 9\.0 of 9\.0 MiB in /),
    });
    expect(await keys()).toEqual(['in/a.csv', 'in/deep er/b%+.csv']);
    const listed = await stage('ls', `s3://${bucket}/in/`);
    expect(listed.stdout.split('\n').map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ['1', `s3://${bucket}/in/a.csv`],
      ['9437184', `s3://${bucket}/in/deep er/b%+.csv`],
    ]);
    expect((await stage('cp', '-rq', `s3://${bucket}/in/`, 'back/')).stderr).toBe('');
    expect(await readFile(join(folder, 'back', 'a.csv'), 'utf8')).toBe('A');
    expect((await readFile(join(folder, 'back', 'deep er', 'b%+.csv'))).equals(Buffer.alloc(9 * 1024 * 1024, 7))).toBe(
      true,
    );
    expect((await stage('rm', '-r', `s3://${bucket}/in/`)).exitCode).toBe(0);
    expect(await keys()).toEqual([]);
  });

  test('killed in the middle it leaves no file, and what it has left goes with the next one', async () => {
    const size = 24 * 1024 * 1024;
    await withStore((store) => store.putParts('big', size, async ({ start, end }) => new Uint8Array(end - start + 1)));
    cloud.faults.set([{ operation: 'GetObject', fault: { kind: 'slow', bytesPerSecond: 500_000 } }]);
    const killed = stage('cp', '-q', `s3://${bucket}/big`, 'down/');
    const left = async () =>
      (await readdir(join(folder, 'down')).catch(() => [])).filter((name) => name.endsWith('.part'));
    await expect.poll(left, { timeout: 60_000, interval: 1 }).toHaveLength(1);
    killed.kill('SIGKILL');
    expect(await killed).toMatchObject({ signal: 'SIGKILL' });
    expect(await readdir(join(folder, 'down'))).toEqual(await left());
    cloud.faults.set([]);
    expect((await stage('cp', '-q', `s3://${bucket}/big`, 'down/')).exitCode).toBe(0);
    expect(await readdir(join(folder, 'down'))).toEqual(['big']);
  });

  test('a folder can be copied into itself, as it was', async () => {
    await put('in/a', 'in/b');
    expect((await stage('cp', '-r', `s3://${bucket}/in/`, `s3://${bucket}/in/deep/`)).exitCode).toBe(0);
    expect(await keys()).toEqual(['in/a', 'in/b', 'in/deep/a', 'in/deep/b']);
  });

  test('of several sources one that is nothing is told of before any is copied', async () => {
    await put('a');
    const { exitCode, stderr } = await stage('cp', `s3://${bucket}/a`, `s3://${bucket}/none`, 'x/');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `sluice: there is nothing like s3://${bucket}/none (NOT_FOUND)`,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a glob copies what it stands for, from bucket to bucket as well', async () => {
    await put('in/a.csv', 'in/b.txt', 'in/deep/c.csv');
    expect((await stage('cp', `s3://${bucket}/in/**/*.csv`, `s3://${bucket}/out/`)).exitCode).toBe(0);
    expect(await keys()).toEqual(['in/a.csv', 'in/b.txt', 'in/deep/c.csv', 'out/a.csv', 'out/deep/c.csv']);
    expect((await stage('rm', `s3://${bucket}/out/*.csv`, `s3://${bucket}/never`)).exitCode).toBe(0);
    expect(await keys()).toEqual(['in/a.csv', 'in/b.txt', 'in/deep/c.csv', 'out/deep/c.csv']);
  });

  test('one file goes into a folder that is there, and under a name that is not', async () => {
    await put('a b.txt');
    await mkdir(join(folder, 'here'));
    await stage('cp', `s3://${bucket}/a b.txt`, 'here');
    await stage('cp', `s3://${bucket}/a b.txt`, 'new/name.txt');
    expect(await readFile(join(folder, 'here', 'a b.txt'), 'utf8')).toBe('content of a b.txt');
    expect(await readFile(join(folder, 'new', 'name.txt'), 'utf8')).toBe('content of a b.txt');
  });

  test('cat writes files to stdout in their order', async () => {
    await put('1.txt', '2.txt');
    await writeFile(join(folder, 'x'), ' and ');
    const { stdout } = await stage('cat', `s3://${bucket}/2.txt`, 'x', `s3://${bucket}/1.txt`);
    expect(stdout).toBe('content of 2.txt and content of 1.txt');
  });

  test('ls --json is a line for each', async () => {
    await put('a');
    const { stdout } = await stage('ls', '--json', `s3://${bucket}/`);
    expect(JSON.parse(stdout)).toEqual({ url: `s3://${bucket}/a`, size: 12, tag: expect.any(String) });
  });

  test('a source without a target is a wrong command line', async () => {
    const { exitCode, stderr } = await stage('cp', 'x');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: "error: missing required argument 'target'" });
  });

  test.each([
    [['ls', 's3://BUCKET/none/'], 'NOT_FOUND', 'there is nothing like s3://BUCKET/none/'],
    [['cat', 's3://BUCKET/none'], 'NOT_FOUND', 'there is nothing like s3://BUCKET/none'],
    [['ls', 's3://nowhere-at-all/'], 'NOT_FOUND', 'nowhere-at-all'],
    [['cp', 's3://BUCKET/in/', 'x/'], 'INVALID_OPTIONS', 's3://BUCKET/in/ is a folder: add -r'],
    [['cp', 's3://BUCKET/in/', 'one'], 'INVALID_OPTIONS', 's3://BUCKET/in/ is a folder: add -r'],
    [['cp', 's3://BUCKET/none*', 'one'], 'NOT_FOUND', 'there is nothing like s3://BUCKET/none*'],
    [['rm', 's3://BUCKET/in/'], 'INVALID_OPTIONS', 'add -r'],
    [['cp', 's3://BUCKET/in/*', 'one'], 'INVALID_OPTIONS', 'end the target in / for a folder'],
    [['cp', 's3://BUCKET/in/a', 's3://BUCKET/in/deep/a', 'x/'], 'INVALID_OPTIONS', 'would both become'],
    [['cp', '-r', 's3://BUCKET/bad/', 'x/'], 'INVALID_OPTIONS', '"../../evil"'],
    [['ls', 'gopher://host/x'], 'NO_STAGING', 'known here are file:, s3:'],
  ])('%j is refused', async (args, code, said) => {
    await put('in/a', 'in/deep/a', 'bad/../../evil');
    const named = (text: string) => text.replaceAll('BUCKET', bucket);
    const { exitCode, stderr, stdout } = await stage(...args.map(named));
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(named(said));
    expect(stderr).toContain(`(${code})`);
    expect(await readdir(folder)).toEqual([]);
  });
});
