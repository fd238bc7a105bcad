import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { app, type DataFile, file, type SluiceError, s3Staging, ThreadPoolExecutor } from 'sluice';
import { startLocalCloud } from 'sluice/local-cloud';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createS3Store } from '../../src/object-store/s3/s3-store.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { temporaryRun } from '../fixtures/kernel/temporary-run.js';

const MIB = 2 ** 20;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

let cloud: Awaited<ReturnType<typeof startLocalCloud>>;
let restoreEnv = (): void => undefined;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-access-'));
  cloud = await startLocalCloud({ s3Regions: ['eu-west-1'] });
  restoreEnv = cloud.applyEnv();
  const home = new S3Client({ forcePathStyle: true });
  const away = new S3Client({ forcePathStyle: true, region: 'eu-west-1' });
  for (const Bucket of ['open', 'closed', 'paid']) await home.send(new CreateBucketCommand({ Bucket }));
  const CreateBucketConfiguration = { LocationConstraint: 'eu-west-1' } as const;
  await away.send(new CreateBucketCommand({ Bucket: 'away', CreateBucketConfiguration }));
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: ['s3:GetObject', 's3:ListBucket'], Resource: '*' }];
  await home.send(new PutBucketPolicyCommand({ Bucket: 'open', Policy: JSON.stringify({ Statement }) }));
  for (const bucket of ['open', 'closed', 'paid']) {
    const store = createS3Store({ bucket });
    await store.put('a.txt', Buffer.from(`in ${bucket}`));
    await store.close();
  }
  const RequestPaymentConfiguration = { Payer: 'Requester' } as const;
  await home.send(new PutBucketRequestPaymentCommand({ Bucket: 'paid', RequestPaymentConfiguration }));
  home.destroy();
  away.destroy();
}, 60_000);
afterAll(async () => {
  restoreEnv();
  await cloud?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Sets variables while `run` runs; `undefined` removes one. */
async function withEnv<T>(variables: Record<string, string | undefined>, run: () => Promise<T>): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const [name, value] of Object.entries(variables)) set(name, value);
  try {
    return await run();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

const WITHOUT_KEYS = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_REGION: undefined,
  AWS_DEFAULT_REGION: undefined,
  AWS_EC2_METADATA_DISABLED: 'true',
};

describe('unsigned requests', () => {
  test('read a public bucket without keys and without a region', async () => {
    await withEnv(
      { ...WITHOUT_KEYS, AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' },
      async () => {
        const store = createS3Store({ bucket: 'open', anonymous: true });
        try {
          expect(text(await store.get('a.txt'))).toBe('in open');
          expect(await store.head('none')).toBeUndefined();
          const keys: string[] = [];
          for await (const { key } of store.listAfter('')) keys.push(key);
          expect(keys).toEqual(['a.txt']);
        } finally {
          await store.close();
        }
      },
    );
  });

  test('are refused by what is not public, and the error says that they were not signed', async () => {
    const closed = createS3Store({ bucket: 'closed', anonymous: true });
    const open = createS3Store({ bucket: 'open', anonymous: true });
    try {
      for (const refused of [closed.get('a.txt'), open.put('b.txt', new Uint8Array(1)), open.deleteMany(['a.txt'])]) {
        const error = await failureOf<SluiceError>(refused);
        expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
        expect(error.message).toContain('Requests are not signed (`anonymous`)');
      }
      const presigning = open.presign('a.txt', { method: 'GET', expiresInSeconds: 60 });
      await expect(presigning).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    } finally {
      await Promise.all([closed.close(), open.close()]);
    }
  });
});

describe('a bucket whose requester pays', () => {
  test('is read, listed and written by who agrees to pay, in parts as well', async () => {
    const store = createS3Store({ bucket: 'paid', requesterPays: true });
    try {
      expect(text(await store.get('a.txt'))).toBe('in paid');
      const large = Buffer.alloc(9 * MIB, 'x');
      await store.putParts('large', large.length, async ({ start, end }) => large.subarray(start, end + 1));
      expect((await store.head('large'))?.size).toBe(large.length);
      const keys: string[] = [];
      for await (const { key } of store.listAfter('')) keys.push(key);
      expect(keys).toEqual(['a.txt', 'large']);
      await store.deleteMany(['large']);
      expect(await store.head('large')).toBeUndefined();
      const url = await store.presign('a.txt', { method: 'GET', expiresInSeconds: 60 });
      const answer = await fetch(url, { headers: {} });
      expect([answer.status, await answer.text()]).toEqual([200, 'in paid']);
    } finally {
      await store.close();
    }
  });

  test('refuses the others, and the error says which option agrees', async () => {
    const store = createS3Store({ bucket: 'paid' });
    try {
      const error = await failureOf<SluiceError>(store.get('a.txt'));
      expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
      expect(error.message).toContain('s3Staging({ requesterPays: true })');
    } finally {
      await store.close();
    }
  });
});

describe('a bucket in another region', () => {
  test('is followed there by every kind of request, once', async () => {
    const store = createS3Store({ bucket: 'away' });
    try {
      // Several at a time are all sent on.
      await Promise.all(['a', 'b', 'c'].map((key) => store.put(key, Buffer.from(key))));
      expect(text(await store.get('a'))).toBe('a');
      const large = Buffer.alloc(9 * MIB, 'x');
      await store.putParts('large', large.length, async ({ start, end }) => large.subarray(start, end + 1));
      await store.deleteMany(['large']);
      expect(await store.head('none')).toBeUndefined();
      const url = await store.presign('b', { method: 'GET', expiresInSeconds: 60 });
      expect(url).toContain('eu-west-1');
      expect(await (await fetch(url)).text()).toBe('b');
    } finally {
      await store.close();
    }
  });

  test('is found by a look-up, whose answer has no body', async () => {
    const store = createS3Store({ bucket: 'away' });
    try {
      expect((await store.head('a'))?.size).toBe(1);
    } finally {
      await store.close();
    }
  });
});

test('keys and region come from a profile, one for each bucket', async () => {
  const [config, credentials] = [join(folder, 'config'), join(folder, 'credentials')];
  await writeFile(config, '[profile right]\nregion = us-east-1\n[profile wrong]\nregion = us-east-1\n');
  const keys = (secret: string) =>
    `aws_access_key_id = ${process.env.AWS_ACCESS_KEY_ID}\naws_secret_access_key = ${secret}\n`;
  await writeFile(
    credentials,
    `[right]\n${keys(process.env.AWS_SECRET_ACCESS_KEY ?? '')}[wrong]\n${keys('another-secret')}`,
  );
  const files = { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: credentials };
  await withEnv({ ...WITHOUT_KEYS, ...files }, async () => {
    await using run = await temporaryRun({
      executors: [new ThreadPoolExecutor({ maxThreads: 1 })],
      storageAccess: [
        s3Staging({ match: 's3://closed/', profile: 'right' }),
        s3Staging({ match: 's3://open/', anonymous: true }),
        s3Staging({ match: 's3://paid/', profile: 'right', requesterPays: true }),
        s3Staging({ profile: 'wrong' }),
      ],
    });
    const read = app(
      async (input: DataFile) => {
        const { readFile } = await import('node:fs/promises');
        return readFile(input.path, 'utf8');
      },
      { name: 'read', kernel: run.kernel },
    );
    for (const bucket of ['closed', 'open', 'paid']) {
      expect(await read(file(`s3://${bucket}/a.txt`))).toBe(`in ${bucket}`);
    }
    const error = await failureOf<SluiceError>(read(file('s3://away/a')));
    expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
    expect(error.message).toContain('the secret key does not fit the access key');
  });
});

describe('a presigned URL as an input', () => {
  test('is read, and after its time refused with the time, without the signature', async () => {
    const store = createS3Store({ bucket: 'closed' });
    await using run = await temporaryRun({ executors: [new ThreadPoolExecutor({ maxThreads: 1 })] });
    try {
      const size = app(
        async (input: DataFile) => {
          const { stat } = await import('node:fs/promises');
          return (await stat(input.path)).size;
        },
        { name: 'size', kernel: run.kernel },
      );
      const url = await store.presign('a.txt', { method: 'GET', expiresInSeconds: 600 });
      expect(await size(file(url))).toBe('in closed'.length);
      const expired = url.replace(/X-Amz-Date=\d{8}T/, 'X-Amz-Date=20200101T');
      const error = await failureOf<SluiceError>(size(file(expired)));
      expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
      expect(error.message).toMatch(/the URL was signed until 2020-01-01T\d\d:\d\d:\d\d\.000Z, which has passed/);
      const signature = /X-Amz-Signature=(\w+)/.exec(url)?.[1] ?? 'none';
      expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(signature);
    } finally {
      await store.close();
    }
  });
});
