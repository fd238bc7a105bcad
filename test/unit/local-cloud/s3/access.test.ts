import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findOperation } from '../../../../src/local-cloud/s3/find-operation.js';
import type { S3Error } from '../../../../src/local-cloud/s3/s3-error.js';
import { parseTarget } from '../../../../src/local-cloud/s3/s3-request.js';
import { answerOf, KEYS, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'access';
let s3: S3Server;

beforeAll(async () => {
  s3 = await startS3Server();
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'a b+c/%2F', Body: 'secret' }));
});
afterEach(() => {
  s3.nowMs = () => Date.now();
});
afterAll(() => s3.close());

const command = () => new GetObjectCommand({ Bucket, Key: 'a b+c/%2F' });
const getAs = (config: S3ClientConfig) => answerOf(s3.newClient(config).send(command()));
const codeOf = async (answer: Response) =>
  `${/<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1] ?? ''} ${answer.status}`;
const plainClient = () => s3.newClient({ requestChecksumCalculation: 'WHEN_REQUIRED' });

describe('a request', () => {
  test('with wrong keys, or none, is refused', async () => {
    expect(await getAs({})).toBe('ok');
    expect(await getAs({ credentials: { ...KEYS, secretAccessKey: 'wrong' } })).toBe('SignatureDoesNotMatch 403');
    expect(await getAs({ credentials: { ...KEYS, accessKeyId: 'AKIAOTHER' } })).toBe('InvalidAccessKeyId 403');
    expect(await codeOf(await fetch(`${s3.endpoint}/${Bucket}/k`))).toBe('AccessDenied 403');
    expect(await codeOf(await fetch(`${s3.endpoint}/no-such-bucket/k`))).toBe('AccessDenied 403');
  });

  test('from a clock that is off by more than 15 minutes is refused', async () => {
    s3.nowMs = () => Date.now() + 16 * 60_000;
    // The SDK corrects its clock and tries again unless it may not.
    expect(await getAs({ maxAttempts: 1 })).toBe('RequestTimeTooSkewed 403');
  });

  test('signed for another region is refused', async () => {
    expect(await getAs({ region: 'eu-west-1' })).toMatch(/^AuthorizationHeaderMalformed 400$/);
  });

  test('carries an id in its answer, and in the error document', async () => {
    const answer = await fetch(`${s3.endpoint}/${Bucket}`);
    const id = answer.headers.get('x-amz-request-id');
    expect(id).toMatch(/^[0-9A-F]{16}$/);
    expect(await answer.text()).toContain(`<RequestId>${id}</RequestId>`);
  });

  test('that is no operation is refused, never half understood', () => {
    const ask = (method: string, target: string, headers: [string, string][] = []) => {
      try {
        return findOperation({ ...parseTarget(target), method, headers: new Map(headers) }).name;
      } catch (error) {
        return (error as S3Error).code;
      }
    };
    expect(ask('PUT', '/b/k?partNumber=1&uploadId=u')).toBe('UploadPart');
    expect(ask('PUT', '/b/k?partNumber=1&uploadId=u', [['x-amz-copy-source', 'b/k']])).toBe('UploadPartCopy');
    expect(ask('GET', '/b/')).toBe('ListObjects');
    expect(ask('GET', '/b//')).toBe('GetObject');
    expect(ask('PATCH', '/b/k')).toBe('MethodNotAllowed');
    expect(ask('POST', '/')).toBe('MethodNotAllowed');
    expect(ask('POST', '/b')).toBe('NotImplemented');
    expect(ask('GET', '/b?acl')).toBe('NotImplemented');
    expect(ask('GET', '/b/k?versionId=1')).toBe('NotImplemented');
    expect(ask('GET', '/b/k', [['x-amz-server-side-encryption-customer-key', 'k']])).toBe('NotImplemented');
    expect(ask('GET', '/b/%E0%A4%A')).toBe('InvalidURI');
  });
});

describe('a presigned URL', () => {
  test('lets its bearer read until it expires', async () => {
    const url = await getSignedUrl(s3.client, command(), { expiresIn: 60 });
    expect(await (await fetch(url)).text()).toBe('secret');
    s3.nowMs = () => Date.now() + 61_000;
    expect(await codeOf(await fetch(url))).toBe('AccessDenied 403');
  });

  test('that was tampered with is refused', async () => {
    const url = await getSignedUrl(s3.client, command(), { expiresIn: 60 });
    expect(await codeOf(await fetch(url.replace('%252F', 'x')))).toBe('SignatureDoesNotMatch 403');
    expect(await codeOf(await fetch(url.replace('Expires=60', 'Expires=600')))).toBe('SignatureDoesNotMatch 403');
    expect(await codeOf(await fetch(url, { method: 'DELETE' }))).toBe('SignatureDoesNotMatch 403');
    expect(await codeOf(await fetch(url, { headers: { 'x-amz-meta-a': 'b' } }))).toBe('AccessDenied 403');
  });

  test('lets its bearer write what it says, metadata too', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'put', Metadata: { a: 'b' } });
    const url = await getSignedUrl(plainClient(), put, { expiresIn: 60 });
    expect((await fetch(url, { method: 'PUT', body: 'written' })).status).toBe(200);
    const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'put' }));
    expect(await got.Body?.transformToString()).toBe('written');
    expect(got.Metadata).toEqual({ a: 'b' });
  });

  test('that carries the CRC32 of an empty body lets nobody write another', async () => {
    const url = await getSignedUrl(s3.client, new PutObjectCommand({ Bucket, Key: 'empty' }), { expiresIn: 60 });
    expect(url).toContain('x-amz-checksum-crc32=AAAAAA%3D%3D');
    expect(await codeOf(await fetch(url, { method: 'PUT', body: 'not empty' }))).toBe('BadDigest 400');
    expect(await answerOf(s3.client.send(new GetObjectCommand({ Bucket, Key: 'empty' })))).toBe('NoSuchKey 404');
    expect((await fetch(url, { method: 'PUT', body: '' })).status).toBe(200);
  });
});

test('a body other than the signed one is refused', async () => {
  const client = s3.newClient();
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { headers: Record<string, string>; body: unknown };
      expect(request.headers['x-amz-content-sha256']).toBe(createHash('sha256').update('signed').digest('hex'));
      request.body = 'forged';
      return next(args);
    },
    { step: 'deserialize', priority: 'high' },
  );
  const forged = client.send(new PutObjectCommand({ Bucket, Key: 'forged', Body: 'signed' }));
  expect(await answerOf(forged)).toBe('XAmzContentSHA256Mismatch 400');
  expect(await answerOf(s3.client.send(new ListBucketsCommand({})))).toBe('ok');
});
