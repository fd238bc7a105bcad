import { Storage } from '@google-cloud/storage';
import { type FaultRule, type LocalCloud, startLocalCloud } from 'sluice/local-cloud';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerOf } from '../gcs/gcs-server.js';

let cloud: LocalCloud;
let storage: Storage;
const log: string[] = [];
beforeAll(async () => {
  cloud = await startLocalCloud({ log: (line) => log.push(line) });
  storage = new Storage({ apiEndpoint: cloud.endpoint, projectId: 'local-cloud', retryOptions: { autoRetry: false } });
  await storage.createBucket('bucket');
});
afterAll(() => cloud.close());
beforeEach(() => {
  cloud.faults.set([]);
  log.length = 0;
});

const BODY = Buffer.alloc(300_000, 'abc');
const once = (rule: FaultRule): void => cloud.faults.set([{ times: 1, ...rule }]);
const file = (name: string) => storage.bucket('bucket').file(name);
const put = (name: string) => file(name).save(BODY, { resumable: false });
const read = async (name: string) => (await file(name).download())[0];
const exists = async (name: string) => (await file(name).exists())[0];

describe('an error', () => {
  test('before execution leaves everything undone; the next request passes', async () => {
    once({ operation: 'storage.objects.insert', fault: { kind: 'error' } });
    expect(await answerOf(put('before'))).toBe('500 internalError');
    expect(await exists('before')).toBe(false);
    await put('before');
    expect(await exists('before')).toBe(true);
  });

  test('after execution loses the answer, and nothing else', async () => {
    once({ operation: 'storage.objects.insert', fault: { kind: 'error', code: 'backendError', execution: 'after' } });
    expect(await answerOf(put('after'))).toBe('503 backendError');
    expect((await read('after')).equals(BODY)).toBe(true);
  });

  test('of any reason and status is answered as Cloud Storage answers', async () => {
    once({ service: 'gcs', fault: { kind: 'error', code: 'tired', status: 418, message: 'Not now.' } });
    await expect(file('any').getMetadata()).rejects.toMatchObject({
      code: 418,
      errors: [{ reason: 'tired', message: 'Not now.', domain: 'global' }],
    });
  });

  test('for load says when to come again', async () => {
    once({ operation: 'storage.objects.get', fault: { kind: 'error', code: 'rateLimitExceeded' } });
    const answer = await fetch(`${cloud.endpoint}/storage/v1/b/bucket/o/any`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
  });

  test('strikes only what its rule names', async () => {
    const doomed = { bucket: 'bucket', keyPrefix: 'doomed/', operation: 'storage.objects.insert' } as const;
    cloud.faults.set([{ ...doomed, fault: { kind: 'error' } }]);
    await put('safe');
    expect(await answerOf(put('doomed/a'))).toBe('500 internalError');
    expect(await exists('doomed/a')).toBe(false);
    expect(cloud.faults.counts()).toEqual([{ rule: 'error[0]', matched: 1, injected: 1 }]);
  });

  test('strikes no request that is not let in', async () => {
    cloud.faults.set([{ fault: { kind: 'error' } }]);
    const headers = { authorization: 'Bearer wrong' };
    expect((await fetch(`${cloud.endpoint}/storage/v1/b/bucket`, { headers })).status).toBe(401);
    expect(cloud.faults.counts()[0]).toMatchObject({ matched: 0 });
  });
});

test('a burst of throttling refuses so many requests in a row with 429', async () => {
  cloud.faults.set([{ nth: 2, service: 'gcs', fault: { kind: 'throttleBurst', requests: 2 } }]);
  const answers: string[] = [];
  for (let request = 0; request < 5; request++) answers.push(await answerOf(put('burst')));
  expect(answers).toEqual(['ok', '429 rateLimitExceeded', '429 rateLimitExceeded', 'ok', 'ok']);
});

describe('a cut connection', () => {
  test('instead of the answer is a reset, and everything was done', async () => {
    once({ operation: 'storage.objects.insert', fault: { kind: 'cut', where: 'answer' } });
    expect(await answerOf(put('unanswered'))).toMatch(/ECONNRESET|EPIPE/);
    expect((await read('unanswered')).equals(BODY)).toBe(true);
  });

  test('in the middle of an upload is a reset, and nothing was done', async () => {
    once({ operation: 'storage.objects.insert', fault: { kind: 'cut', where: 'upload' } });
    expect(await answerOf(put('half'))).toMatch(/ECONNRESET|EPIPE/);
    expect(await exists('half')).toBe(false);
  });

  test('in the middle of a part of a resumable upload keeps what had come', async () => {
    const [url] = await file('resumed').createResumableUpload();
    once({ operation: 'storage.objects.upload', fault: { kind: 'cut', where: 'upload' } });
    const large = Buffer.alloc(2 ** 20, 'x');
    await expect(fetch(url, { method: 'PUT', body: large })).rejects.toThrow();
    const asked = await fetch(url, { method: 'PUT', headers: { 'content-range': `bytes */${large.length}` } });
    expect([asked.status, asked.headers.get('range')]).toEqual([308, `bytes=0-${2 ** 19 - 1}`]);
  });

  test('in the middle of a body leaves the first half of it', async () => {
    await put('body');
    once({ operation: 'storage.objects.download', fault: { kind: 'cut', where: 'body' } });
    const answer = await fetch(`${cloud.endpoint}/storage/v1/b/bucket/o/body?alt=media`);
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
    })();
    await expect(reading).rejects.toThrow();
    expect(Buffer.concat(chunks).equals(BODY.subarray(0, BODY.length / 2))).toBe(true);
  });
});

test('a slow answer comes at the speed it is given, whole', async () => {
  await put('slow');
  once({ operation: 'storage.objects.download', fault: { kind: 'slow', bytesPerSecond: 1_000_000 } });
  const startedAtMs = performance.now();
  expect((await read('slow')).equals(BODY)).toBe(true);
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(250);
});

test('every injected fault is told in the log', async () => {
  cloud.faults.set([
    { name: 'my rule', operation: 'storage.objects.insert', fault: { kind: 'error', code: 'backendError' } },
  ]);
  await answerOf(put('told'));
  expect(log).toEqual(['fault my rule: backendError before execution on gcs storage.objects.insert bucket/told']);
});

test('rules that Cloud Storage cannot play are refused', () => {
  const refused = (rule: FaultRule) => () => cloud.faults.set([rule]);
  expect(refused({ service: 'gcs', fault: { kind: 'duplicate' } })).toThrow(/no service has all/);
  expect(refused({ service: 'gcs', operation: 'GetObject', fault: { kind: 'error' } })).toThrow(/no service has all/);
  expect(refused({ service: 'gcs', fault: { kind: 'error', code: 'SlowDown' } })).toThrow(/not documented for gcs/);
});
