import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketRequestPaymentCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerOf, type S3Server, startS3Server } from './s3-server.js';

const Bucket = 'shared';
let s3: S3Server;
beforeAll(async () => {
  s3 = await startS3Server('us-east-1', ['eu-west-1']);
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'open/a b', Body: 'text' }));
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'closed/a', Body: 'text' }));
});
afterAll(() => s3.close());

const allow = (Action: string | string[], Resource: string | string[], more: object = {}) =>
  JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action, Resource, ...more }] });
const setPolicy = (Policy: string) => s3.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
const statusOf = async (path: string, request: RequestInit = {}) =>
  (await fetch(`${s3.endpoint}/${Bucket}${path}`, request)).status;

describe('requests without keys', () => {
  beforeEach(() => s3.client.send(new DeleteBucketPolicyCommand({ Bucket })));

  test('do what the policy lets everybody do, and nothing else', async () => {
    expect(await statusOf('/open/a%20b')).toBe(403);
    await setPolicy(allow('s3:GetObject', `arn:aws:s3:::${Bucket}/open/*`));
    expect(await statusOf('/open/a%20b')).toBe(200);
    expect(await statusOf('/open/a%20b', { method: 'HEAD' })).toBe(200);
    expect(await statusOf('/closed/a')).toBe(403);
    expect(await statusOf('/?list-type=2')).toBe(403);
    expect(await statusOf('/open/new', { method: 'PUT', body: 'x' })).toBe(403);
    expect(await statusOf('/open/a%20b', { method: 'DELETE' })).toBe(403);
    expect(await statusOf('?policy')).toBe(403);
    expect((await fetch(s3.endpoint)).status).toBe(403);
  });

  test('are not told what there is not, unless they may list', async () => {
    await setPolicy(allow('s3:Get*', `arn:aws:s3:::${Bucket}/*`));
    expect(await statusOf('/open/none')).toBe(403);
    await setPolicy(allow(['s3:Get*', 's3:ListBucket'], [`arn:aws:s3:::${Bucket}/*`, `arn:aws:s3:::${Bucket}`]));
    expect(await statusOf('/open/none')).toBe(404);
    expect(await statusOf('/?list-type=2')).toBe(200);
  });

  test('find the policy after a restart, and none after its removal', async () => {
    const policy = allow('s3:GetObject', `arn:aws:s3:::${Bucket}/*`);
    await setPolicy(policy);
    await s3.restart();
    expect((await s3.client.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(policy);
    expect(await statusOf('/closed/a')).toBe(200);
    await s3.client.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect(await statusOf('/closed/a')).toBe(403);
    expect(await answerOf(s3.client.send(new GetBucketPolicyCommand({ Bucket })))).toBe('NoSuchBucketPolicy 404');
  });

  test.each([
    ['is no JSON', 'allow all', 'MalformedPolicy 400'],
    ['has no statement', '{}', 'MalformedPolicy 400'],
    [
      'denies',
      JSON.stringify({ Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' }] }),
      'NotImplemented 501',
    ],
    ['has a condition', allow('s3:*', '*', { Condition: {} }), 'NotImplemented 501'],
    ['is for somebody', allow('s3:*', '*', { Principal: { AWS: 'arn:aws:iam::1:root' } }), 'NotImplemented 501'],
  ])('a policy that %s is refused', async (_, policy, answer) => {
    expect(await answerOf(setPolicy(policy))).toBe(answer);
  });
});

describe('a bucket whose requester pays', () => {
  const Paid = 'paid';
  const get = (more: object = {}) =>
    answerOf(s3.client.send(new GetObjectCommand({ Bucket: Paid, Key: 'a', ...more })));
  const payer = (Payer: 'Requester' | 'BucketOwner') =>
    s3.client.send(new PutBucketRequestPaymentCommand({ Bucket: Paid, RequestPaymentConfiguration: { Payer } }));

  test('serves those who agree, keeps that over a restart, and gives it up again', async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: Paid }));
    await s3.client.send(new PutObjectCommand({ Bucket: Paid, Key: 'a', Body: 'text' }));
    await s3.client.send(new PutBucketPolicyCommand({ Bucket: Paid, Policy: allow('s3:GetObject', '*') }));
    await payer('Requester');
    await s3.restart();
    expect((await s3.client.send(new GetBucketRequestPaymentCommand({ Bucket: Paid }))).Payer).toBe('Requester');
    expect(await get()).toBe('AccessDenied 403');
    expect(await answerOf(s3.client.send(new ListObjectsV2Command({ Bucket: Paid })))).toBe('AccessDenied 403');
    expect(await get({ RequestPayer: 'requester' })).toBe('ok');
    const paying = { headers: { 'x-amz-request-payer': 'requester' } };
    expect((await fetch(`${s3.endpoint}/${Paid}/a`, paying)).status).toBe(403);
    await payer('BucketOwner');
    expect(await get()).toBe('ok');
  });
});

test('a bucket is in the region its making was signed for, and sends other requests there', async () => {
  const away = s3.newClient({ region: 'eu-west-1' });
  const elsewhere = { Bucket: 'away' };
  await away.send(
    new CreateBucketCommand({ ...elsewhere, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }),
  );
  await s3.restart();
  const there = s3.newClient({ region: 'eu-west-1' });
  expect((await there.send(new GetBucketLocationCommand(elsewhere))).LocationConstraint).toBe('eu-west-1');
  await there.send(new PutObjectCommand({ ...elsewhere, Key: 'a', Body: 'text' }));
  expect(await answerOf(s3.client.send(new GetObjectCommand({ ...elsewhere, Key: 'a' })))).toBe(
    'PermanentRedirect 301',
  );
  const error = await s3.client.send(new HeadBucketCommand(elsewhere)).catch((refused: unknown) => refused);
  expect(error).toMatchObject({ $response: { statusCode: 301, headers: { 'x-amz-bucket-region': 'eu-west-1' } } });
  expect(await answerOf(s3.newClient({ region: 'ap-south-1' }).send(new HeadBucketCommand(elsewhere)))).toMatch(
    / 400$/,
  );
});
