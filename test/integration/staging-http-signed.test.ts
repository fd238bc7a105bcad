import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DataFile } from '../../src/data/data-file.js';
import { createHttpStaging } from '../../src/data/http/http-staging.js';
import type { Staging } from '../../src/data/staging.js';
import { startS3Server } from '../conformance/s3-server.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';

let server: Awaited<ReturnType<typeof startS3Server>>;
let client: S3Client;
let folder: string;
let staging: Staging;
beforeAll(async () => {
  server = await startS3Server();
  const { endpoint, credentials } = server;
  // Otherwise URLs are signed with the checksum of a body that is not there yet.
  const requestChecksumCalculation = 'WHEN_REQUIRED';
  client = new S3Client({
    endpoint,
    credentials,
    region: 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation,
  });
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
  await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'in.txt', Body: 'from S3' }));
  folder = await mkdtemp(join(tmpdir(), 'sluice-signed-'));
  staging = createHttpStaging();
});
afterAll(async () => {
  await staging?.close();
  client?.destroy();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();
const signed = (Key: string, method: 'GET' | 'PUT', ageMs = 0) => {
  const input = { Bucket: 'bucket', Key };
  const command = method === 'GET' ? new GetObjectCommand(input) : new PutObjectCommand(input);
  return getSignedUrl(client, command, { expiresIn: 600, signingDate: new Date(Date.now() - ageMs) });
};
const stageIn = async (url: string) => {
  const suggestedPath = join(folder, 'copy');
  await staging.stageIn(new DataFile(url), { suggestedPath, signal });
  return readFile(suggestedPath, 'utf8');
};

test('presigned URLs bring objects in and out, and have identities', async () => {
  const url = await signed('in.txt', 'GET');
  expect(await stageIn(url)).toBe('from S3');
  expect(await staging.identity(new DataFile(url))).toMatchObject({
    size: 7,
    tag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
  });
  const path = join(folder, 'out.txt');
  await writeFile(path, 'to S3');
  const identity = await staging.stageOut(new DataFile(await signed('out.txt', 'PUT')), { path, signal });
  const again = await signed('out.txt', 'GET');
  expect(await staging.identity(new DataFile(again))).toEqual(identity);
  expect(await stageIn(again)).toBe('to S3');
});

test('one that has expired says when, and what to do, and never its signature', async () => {
  const url = await signed('in.txt', 'GET', HOUR_MS);
  const error = await failureOf<Error>(stageIn(url));
  expect(error).toMatchObject({
    code: 'ACCESS_DENIED',
    message: expect.stringMatching(/was signed until .* signed anew/),
  });
  expect(error.message).toContain(`${server.endpoint}/bucket/in.txt?`);
  expect(error.message).not.toContain(new URL(url).searchParams.get('X-Amz-Signature'));
});

test('one that was signed for another content says so', async () => {
  const path = join(folder, 'out.txt');
  await writeFile(path, 'something else');
  // As SDKs sign by default: with the checksum of an empty body.
  const { endpoint, credentials } = server;
  const unmindful = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  const url = await getSignedUrl(unmindful, new PutObjectCommand({ Bucket: 'bucket', Key: 'new.txt' }));
  unmindful.destroy();
  const error = await failureOf<Error>(staging.stageOut(new DataFile(url), { path, signal }));
  expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('signed for others') });
});

test('one that was signed for something else says so', async () => {
  const error = await failureOf<Error>(stageIn(await signed('in.txt', 'PUT')));
  expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringContaining('does not admit GET') });
});
