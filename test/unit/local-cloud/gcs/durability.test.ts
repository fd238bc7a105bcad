import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataBlocks, type GcsServer, sessionsOf, startGcsServer, statusOf } from './gcs-server.js';

let server: GcsServer;
beforeEach(async () => {
  server = await startGcsServer();
  await server.storage.createBucket('bucket');
});
afterEach(() => server.close());

const file = (name: string) => server.storage.bucket('bucket').file(name);

test('objects, and what is said of them, are there after a restart, and new generations are larger', async () => {
  const bytes = randomBytes(100_000);
  await file('kept %2F').save(bytes, { resumable: false, contentType: 'text/x' });
  const [before] = await file('kept %2F').getMetadata();
  await server.restart();
  const [after] = await file('kept %2F').getMetadata();
  const { selfLink: _self, mediaLink: _media, ...same } = before;
  expect(after).toMatchObject(same);
  expect((await file('kept %2F').download())[0].equals(bytes)).toBe(true);
  server.nowMs = () => 0;
  await file('next').save('x', { resumable: false });
  expect(Number((await file('next').getMetadata())[0].generation)).toBeGreaterThan(Number(before.generation));
});

test('what a killed server left half-written is removed at the next start', async () => {
  await file('whole').save('x', { resumable: false });
  const bucket = join(server.folder, 'buckets', 'bucket');
  await mkdir(join(bucket, 'data', 'zz'), { recursive: true });
  await writeFile(join(bucket, 'data', 'zz', 'zz-leftover'), 'half');
  await writeFile(join(bucket, 'sessions', 'x.json.1.unfinished'), '{');
  await server.restart();
  expect(await file('whole').exists()).toEqual([true]);
  expect(await dataBlocks(server, 'bucket')).toBe(1);
  expect(await sessionsOf(server, 'bucket')).toBe(0);
});

test('an upload that is cut off leaves nothing, and the old object as it was', async () => {
  await file('old').save('old', { resumable: false });
  const url = new URL(`${server.endpoint}/upload/storage/v1/b/bucket/o?uploadType=media&name=old`);
  const upload = request(url, { method: 'POST', headers: { 'content-length': 1_000_000 } });
  const failed = new Promise((resolve) => upload.once('error', resolve));
  upload.write(randomBytes(300_000), () => upload.destroy());
  await failed;
  await expect.poll(() => dataBlocks(server, 'bucket')).toBe(1);
  expect((await file('old').download())[0].toString()).toBe('old');
});

test('a download goes on while its object is replaced and deleted', async () => {
  const bytes = randomBytes(8 * 2 ** 20);
  await file('read').save(bytes, { resumable: false });
  const response = await fetch(`${server.endpoint}/storage/v1/b/bucket/o/read?alt=media`);
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await file('read').save('other', { resumable: false });
  await file('read').delete();
  const chunks = [first?.value ?? new Uint8Array()];
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) chunks.push(next.value);
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  await expect.poll(() => dataBlocks(server, 'bucket')).toBe(0);
});

test('a large object is never held in memory', async () => {
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const chunk = randomBytes(2 ** 20);
  const size = 300 * chunk.length;
  const upload = request(`${server.endpoint}/upload/storage/v1/b/bucket/o?uploadType=media&name=large`, {
    method: 'POST',
    headers: { 'content-length': size },
  });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    upload.once('response', (response) => resolve(response.resume().statusCode));
    upload.once('error', reject);
  });
  for (let sent = 0; sent < size; sent += chunk.length) {
    if (!upload.write(chunk)) await new Promise((resolve) => upload.once('drain', resolve));
  }
  upload.end();
  expect(await answered).toBe(200);
  clearInterval(watch);
  expect((await statusOf(`${server.endpoint}/storage/v1/b/bucket/o/large?fields=size`)).text).toContain(String(size));
  expect((peak - before) / 2 ** 20).toBeLessThan(150);
});
