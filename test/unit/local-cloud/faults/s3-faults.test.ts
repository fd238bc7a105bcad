import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type FaultRule, type LocalCloud, startLocalCloud } from 'sluice/local-cloud';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { credentialsOf } from '../lambda/lambda-fixture.js';

let cloud: LocalCloud;
let s3: S3Client;
const log: string[] = [];
beforeAll(async () => {
  cloud = await startLocalCloud({ log: (line) => log.push(line) });
  const { endpoint, region } = cloud;
  s3 = new S3Client({ endpoint, region, credentials: credentialsOf(cloud), forcePathStyle: true, maxAttempts: 1 });
  await s3.send(new CreateBucketCommand({ Bucket: 'bucket' }));
});
afterAll(async () => {
  s3.destroy();
  await cloud.close();
});
beforeEach(() => {
  cloud.faults.set([]);
  log.length = 0;
});

const Bucket = 'bucket';
const BODY = Buffer.alloc(300_000, 'abc');
const once = (rule: FaultRule): void => cloud.faults.set([{ times: 1, ...rule }]);
const put = (Key: string, Body: Uint8Array = BODY) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
const get = (Key: string) => s3.send(new GetObjectCommand({ Bucket, Key }));
const read = async (Key: string) => Buffer.from((await (await get(Key)).Body?.transformToByteArray()) ?? []);
const exists = (Key: string) =>
  s3.send(new HeadObjectCommand({ Bucket, Key })).then(
    () => true,
    () => false,
  );

/** How a request fails: the name of its error and its status. */
async function failure(call: Promise<unknown>): Promise<{ name: string; code?: string; status: number | undefined }> {
  const error = await call.then(
    () => new Error('did not fail'),
    (reason: Error & { code?: string; $metadata?: { httpStatusCode?: number } }) => reason,
  );
  const { name, code, $metadata } = error as { name: string; code?: string; $metadata?: { httpStatusCode?: number } };
  return { name, ...(code !== undefined && { code }), status: $metadata?.httpStatusCode };
}

describe('an error', () => {
  test('before execution leaves everything undone; the next request passes', async () => {
    once({ operation: 'PutObject', fault: { kind: 'error' } });
    expect(await failure(put('before'))).toEqual({ name: 'InternalError', status: 500 });
    expect(await exists('before')).toBe(false);
    await put('before');
    expect(await exists('before')).toBe(true);
  });

  test('after execution loses the answer, and nothing else', async () => {
    once({ operation: 'PutObject', fault: { kind: 'error', code: 'ServiceUnavailable', execution: 'after' } });
    expect(await failure(put('after'))).toMatchObject({ name: 'ServiceUnavailable', status: 503 });
    expect((await read('after')).equals(BODY)).toBe(true);
  });

  test('after execution of a read takes the place of its body', async () => {
    await put('read');
    once({ operation: 'GetObject', fault: { kind: 'error', code: 'SlowDown', execution: 'after' } });
    expect(await failure(get('read'))).toMatchObject({ name: 'SlowDown', status: 503 });
    expect((await read('read')).equals(BODY)).toBe(true);
  });

  test('of any code and status is answered as S3 answers', async () => {
    once({ service: 's3', fault: { kind: 'error', code: 'Tired', status: 418, message: 'Not now.' } });
    await expect(s3.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
      name: 'Tired',
      message: 'Not now.',
      $metadata: { httpStatusCode: 418, requestId: expect.stringMatching(/^[0-9A-F]{16}$/) },
    });
  });

  test('after CompleteMultipartUpload: the object is there; with status 200 too, and the SDK sees the error', async () => {
    for (const status of [500, 200]) {
      const Key = `parts-${status}`;
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const part = { Bucket, Key, UploadId, PartNumber: 1 };
      const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: BODY }));
      const code = 'InternalError';
      once({ operation: 'CompleteMultipartUpload', fault: { kind: 'error', code, status, execution: 'after' } });
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      const complete = { Bucket, Key, UploadId, MultipartUpload };
      expect(await failure(s3.send(new CompleteMultipartUploadCommand(complete)))).toMatchObject({ name: code });
      expect((await read(Key)).equals(BODY)).toBe(true);
    }
  });

  test('strikes only what its rule names', async () => {
    cloud.faults.set([{ bucket: 'bucket', keyPrefix: 'doomed/', operation: 'PutObject', fault: { kind: 'error' } }]);
    await put('safe');
    expect(await failure(put('doomed/a'))).toMatchObject({ name: 'InternalError' });
    expect(await exists('doomed/a')).toBe(false);
    expect(cloud.faults.counts()).toEqual([{ rule: 'error[0]', matched: 1, injected: 1 }]);
  });

  test('strikes no request that is not signed', async () => {
    cloud.faults.set([{ fault: { kind: 'error' } }]);
    expect((await fetch(`${cloud.endpoint}/bucket/key`)).status).toBe(403);
    expect(cloud.faults.counts()[0]).toMatchObject({ matched: 0 });
  });
});

test('a burst of throttling refuses so many requests in a row with 503 SlowDown', async () => {
  cloud.faults.set([{ nth: 2, service: 's3', fault: { kind: 'throttleBurst', requests: 2 } }]);
  const answers: unknown[] = [];
  for (let request = 0; request < 5; request++) answers.push((await failure(put('burst'))).name);
  expect(answers).toEqual(['Error', 'SlowDown', 'SlowDown', 'Error', 'Error']);
});

describe('a cut connection', () => {
  test('instead of the answer is a reset, and everything was done', async () => {
    once({ operation: 'PutObject', fault: { kind: 'cut', where: 'answer' } });
    expect(await failure(put('unanswered'))).toMatchObject({ code: 'ECONNRESET', status: undefined });
    expect((await read('unanswered')).equals(BODY)).toBe(true);
  });

  test('in the middle of an upload is a reset, and nothing was done', async () => {
    once({ operation: 'PutObject', fault: { kind: 'cut', where: 'upload' } });
    const { code } = await failure(put('half', Buffer.alloc(3_000_000, 'x')));
    expect(['ECONNRESET', 'EPIPE']).toContain(code);
    expect(await exists('half')).toBe(false);
  });

  test('in the middle of a body leaves the first half of it', async () => {
    await put('body');
    once({ operation: 'GetObject', fault: { kind: 'cut', where: 'body' } });
    const chunks: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of (await get('body')).Body as AsyncIterable<Buffer>) chunks.push(chunk);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(Buffer.concat(chunks).equals(BODY.subarray(0, BODY.length / 2))).toBe(true);
  });

  test('in the middle of a document leaves none of its meaning', async () => {
    once({ operation: 'ListObjectsV2', fault: { kind: 'cut', where: 'body' } });
    expect(await failure(s3.send(new ListObjectsV2Command({ Bucket })))).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a slow answer', () => {
  test('begins late', async () => {
    once({ operation: 'PutObject', fault: { kind: 'slow', latencyMs: 150 } });
    const startedAtMs = performance.now();
    await put('late');
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(145);
  });

  test('comes at the speed it is given, whole', async () => {
    await put('slow');
    once({ operation: 'GetObject', fault: { kind: 'slow', bytesPerSecond: 1_000_000 } });
    const startedAtMs = performance.now();
    expect((await read('slow')).equals(BODY)).toBe(true);
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(250);
  });

  test('that the client gives up does no harm', async () => {
    await put('given-up');
    once({ operation: 'GetObject', fault: { kind: 'slow', bytesPerSecond: 1_000 } });
    for await (const chunk of (await get('given-up')).Body as AsyncIterable<Buffer>) {
      expect(chunk.length).toBeLessThan(BODY.length);
      break;
    }
    expect((await read('given-up')).equals(BODY)).toBe(true);
  });
});

test('every injected fault is told in the log and counted; a new script begins anew', async () => {
  cloud.faults.set([
    { name: 'my rule', operation: 'PutObject', every: 2, fault: { kind: 'error', code: 'SlowDown' } },
    { operation: 'HeadObject', fault: { kind: 'cut', where: 'answer' } },
  ]);
  await put('told');
  await failure(put('told'));
  await exists('told');
  expect(log).toEqual([
    'fault my rule: SlowDown before execution on s3 PutObject bucket/told',
    'fault cut[1]: cut in the answer on s3 HeadObject bucket/told',
  ]);
  expect(cloud.faults.counts()).toEqual([
    { rule: 'my rule', matched: 2, injected: 1 },
    { rule: 'cut[1]', matched: 1, injected: 1 },
  ]);
  cloud.faults.set([{ operation: 'PutObject', every: 2, fault: { kind: 'error' } }]);
  await put('told');
  expect(cloud.faults.counts()).toEqual([{ rule: 'error[0]', matched: 1, injected: 0 }]);
  cloud.faults.set([]);
  expect(cloud.faults.counts()).toEqual([]);
});

test('an upload under a script of everything can still be ended', async () => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'ended' }));
  once({ operation: 'AbortMultipartUpload', fault: { kind: 'error', execution: 'after' } });
  const end = () => s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'ended', UploadId }));
  expect(await failure(end())).toMatchObject({ name: 'InternalError' });
  expect(await failure(end())).toMatchObject({ name: 'NoSuchUpload' });
});
