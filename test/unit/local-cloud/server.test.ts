import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetFunctionConcurrencyCommand,
  ListFunctionsCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Storage } from '@google-cloud/storage';
import { execa } from 'execa';
import { type LocalCloud, startLocalCloud } from 'sluice/local-cloud';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cloudForTest, credentialsOf, deploy, invoke, lambdaClient } from './lambda/lambda-fixture.js';

async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-server-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function s3Client(cloud: LocalCloud): S3Client {
  const client = new S3Client({
    endpoint: cloud.endpoint,
    region: cloud.region,
    credentials: credentialsOf(cloud),
    forcePathStyle: true,
    maxAttempts: 1,
  });
  onTestFinished(() => client.destroy());
  return client;
}

describe('startLocalCloud', () => {
  test('names every bad option at once', async () => {
    const options = {
      prot: 1,
      port: -1,
      region: 'nowhere',
      concurrency: 0,
      project: 'P',
      gcsAnonymous: 'no',
    } as object;
    await expect(startLocalCloud(options)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    for (const name of ['prot', 'port', 'region', 'concurrency', 'project', 'gcsAnonymous']) {
      await expect(startLocalCloud(options)).rejects.toThrow(name);
    }
  });

  test('says that a port is taken, and leaves its folder free', async () => {
    const { cloud } = await cloudForTest();
    const folder = await tempFolder();
    const port = Number(new URL(cloud.endpoint).port);
    await expect(startLocalCloud({ port, folder })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await cloudForTest({ folder });
  });

  test('serves S3 and Lambda on one port', async () => {
    const { cloud, lambda } = await cloudForTest();
    const s3 = s3Client(cloud);
    await s3.send(new CreateBucketCommand({ Bucket: '2015-03-31' }));
    await s3.send(new PutObjectCommand({ Bucket: '2015-03-31', Key: 'functions/ä %2F', Body: 'bytes' }));
    const got = await s3.send(new GetObjectCommand({ Bucket: '2015-03-31', Key: 'functions/ä %2F' }));
    expect(await got.Body?.transformToString()).toBe('bytes');
    expect((await lambda.send(new ListFunctionsCommand({}))).Functions).toEqual([]);
  });

  test("serves Cloud Storage there too, found and signed for by Google's client through the environment", async () => {
    const { cloud } = await cloudForTest();
    const restore = cloud.applyEnv();
    onTestFinished(restore);
    const storage = new Storage({ retryOptions: { autoRetry: false } });
    await storage.createBucket('by-environment');
    const file = storage.bucket('by-environment').file('ä %2F');
    await file.save('bytes', { resumable: false });
    expect((await file.download())[0].toString()).toBe('bytes');
    const [url] = await file.getSignedUrl({ version: 'v4', action: 'read', expires: Date.now() + 60_000 });
    expect(await (await fetch(url)).text()).toBe('bytes');
  });

  test('may refuse who has no token', async () => {
    const { cloud } = await cloudForTest({ gcsAnonymous: 'refused' });
    expect((await fetch(`${cloud.endpoint}/storage/v1/b?project=p`)).status).toBe(401);
  });

  test('lets a function reach S3 through its own environment', async () => {
    const { cloud, lambda } = await cloudForTest();
    const source = `export const handler = async () => (await fetch(process.env.AWS_ENDPOINT_URL)).status;`;
    await deploy(lambda, { source });
    expect((await invoke(lambda, 'f')).value).toBe(403);
    expect((await fetch(cloud.endpoint)).status).toBe(403);
  });

  test.each([
    ['a wrong secret', { secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
    ['an unknown key', { accessKeyId: 'UNKNOWN' }, 'UnrecognizedClientException'],
  ])('refuses %s', async (_title, changed, name) => {
    const { cloud } = await cloudForTest();
    const stranger = lambdaClient(cloud, { ...credentialsOf(cloud), ...changed });
    onTestFinished(() => stranger.destroy());
    const refused = { name, $metadata: { httpStatusCode: 403 } };
    await expect(stranger.send(new ListFunctionsCommand({}))).rejects.toMatchObject(refused);
    await expect(deploy(stranger, { source: '' })).rejects.toMatchObject(refused);
  });

  test('refuses unsigned requests to Lambda, and paths Lambda does not have', async () => {
    const { cloud } = await cloudForTest();
    const unsigned = await fetch(`${cloud.endpoint}/2015-03-31/functions/f/invocations`, {
      method: 'POST',
      body: '{}',
    });
    expect(unsigned.status).toBe(403);
    expect(unsigned.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    const unknown = await fetch(`${cloud.endpoint}/2015-03-31/functions/f/no-such`);
    expect(unknown.status).toBe(403);
  });

  test('finds functions, reservations and buckets again after a restart', async () => {
    const folder = await tempFolder();
    const first = await startLocalCloud({ folder });
    try {
      const lambda = lambdaClient(first);
      await deploy(lambda, {
        source: 'export const handler = async () => process.env.KEPT;',
        variables: { KEPT: 'yes' },
      });
      await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'f', ReservedConcurrentExecutions: 7 }));
      lambda.destroy();
      await s3Client(first).send(new CreateBucketCommand({ Bucket: 'kept' }));
      await new Storage({ apiEndpoint: first.endpoint, projectId: 'local-cloud' }).createBucket('kept-too');
    } finally {
      await first.close();
    }
    const { cloud, lambda } = await cloudForTest({ folder });
    expect((await invoke(lambda, 'f')).value).toBe('yes');
    const reserved = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: 'f' }));
    expect(reserved.ReservedConcurrentExecutions).toBe(7);
    const { Buckets } = await s3Client(cloud).send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['kept']);
    const storage = new Storage({ apiEndpoint: cloud.endpoint, projectId: 'local-cloud' });
    expect(await storage.bucket('kept-too').exists()).toEqual([true]);
  });

  test('refuses a folder another local-cloud uses, but not one whose local-cloud was killed', async () => {
    const folder = await tempFolder();
    const dist = new URL('../../../dist/local-cloud.js', import.meta.url).href;
    const other = execa(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const m = await import('${dist}'); await m.startLocalCloud({ folder: process.argv[1] }); console.log('up');`,
        folder,
      ],
      { reject: false },
    );
    try {
      await new Promise((resolve) => other.stdout.once('data', resolve));
      await expect(startLocalCloud({ folder })).rejects.toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining(`process ${other.pid}`),
      });
    } finally {
      other.kill('SIGKILL');
      await other;
    }
    await cloudForTest({ folder });
    await expect(startLocalCloud({ folder })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  test('sets the environment of this process and restores it', async () => {
    const { cloud } = await cloudForTest();
    const before = { ...process.env };
    process.env.AWS_REGION = 'eu-north-1';
    process.env.AWS_SESSION_TOKEN = 'token';
    const withOthers = { ...process.env };
    const restore = cloud.applyEnv();
    expect(process.env).toMatchObject(cloud.env);
    expect(process.env.AWS_SESSION_TOKEN).toBeUndefined();
    restore();
    expect({ ...process.env }).toEqual(withOthers);
    for (const name of ['AWS_REGION', 'AWS_SESSION_TOKEN']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  test('leaves nothing in the temporary folder after close, which may be called twice', async () => {
    const mine = await tempFolder();
    const tmpBefore = process.env.TMPDIR;
    process.env.TMPDIR = mine;
    try {
      const cloud = await startLocalCloud();
      const lambda = lambdaClient(cloud);
      await deploy(lambda, { source: 'export const handler = async () => 1;' });
      await invoke(lambda, 'f');
      lambda.destroy();
      await Promise.all([cloud.close(), cloud.close()]);
      expect(await readdir(mine)).toEqual([]);
    } finally {
      if (tmpBefore === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = tmpBefore;
    }
  });
});
