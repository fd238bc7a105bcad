import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { CRC32C } from '@google-cloud/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dataBlocks, type GcsServer, sessionsOf, startGcsServer, statusOf } from './gcs-server.js';

const GRANULE = 256 * 1024;

let server: GcsServer;
let name: string;
beforeAll(async () => {
  server = await startGcsServer();
  await server.storage.createBucket('bucket');
});
afterAll(() => server.close());
beforeEach(({ task }) => {
  name = `object-${task.id}`;
});

const body = randomBytes(3 * GRANULE + 17);
const file = () => server.storage.bucket('bucket').file(name);

async function start(query = '', init: RequestInit = {}): Promise<string> {
  const url = `${server.endpoint}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=${name}${query}`;
  const { status, headers } = await statusOf(url, { method: 'POST', ...init });
  expect(status).toBe(200);
  return headers.get('location') as string;
}

async function send(
  url: string,
  start: number,
  end: number,
  total: number | '*',
  headers: Record<string, string> = {},
) {
  const range = { 'content-range': `bytes ${start}-${end - 1}/${total}` };
  return told(
    await statusOf(url, { method: 'PUT', headers: { ...range, ...headers }, body: body.subarray(start, end) }),
  );
}

async function ask(url: string, total: number | '*' = '*') {
  return told(await statusOf(url, { method: 'PUT', headers: { 'content-range': `bytes */${total}` } }));
}

function told({ status, headers, text, reason }: Awaited<ReturnType<typeof statusOf>>) {
  return { status, range: headers.get('range'), reason, resource: status === 200 ? JSON.parse(text) : undefined };
}

async function whole(): Promise<boolean> {
  return (await file().download())[0].equals(body);
}

describe('a resumable upload', () => {
  test('takes granules until all are there, and then there is an object', async () => {
    const url = await start('', {
      headers: { 'x-upload-content-type': 'text/x', 'content-type': 'application/json' },
      body: '{"metadata":{"a":"b"}}',
    });
    expect(await ask(url)).toMatchObject({ status: 308, range: null });
    expect(await send(url, 0, GRANULE, '*')).toMatchObject({ status: 308, range: `bytes=0-${GRANULE - 1}` });
    expect(await file().exists()).toEqual([false]);
    expect(await send(url, GRANULE, 3 * GRANULE, body.length)).toMatchObject({ status: 308 });
    const { status, resource } = await send(url, 3 * GRANULE, body.length, body.length);
    const md5Hash = createHash('md5').update(body).digest('base64');
    expect([status, resource.size, resource.md5Hash]).toEqual([200, String(body.length), md5Hash]);
    expect(resource).toMatchObject({ contentType: 'text/x', metadata: { a: 'b' } });
    expect(await whole()).toBe(true);
    expect(await sessionsOf(server, 'bucket')).toBe(0);
  });

  test('is answered without a 308 where a client asks for that, as Google’s for Go does', async () => {
    const url = (await start()).replace('/upload/', '/resumable/upload/');
    const { headers, status } = await statusOf(url, {
      method: 'PUT',
      headers: { 'content-range': `bytes 0-${GRANULE - 1}/${body.length}`, 'x-guploader-no-308': 'yes' },
      body: body.subarray(0, GRANULE),
    });
    expect([status, headers.get('x-http-status-code-override')]).toEqual([200, '308']);
    expect(headers.get('range')).toBe(`bytes=0-${GRANULE - 1}`);
    expect(await send(url, GRANULE, body.length, body.length)).toMatchObject({ status: 200 });
    expect(await whole()).toBe(true);
  });

  test('tells its object to who asks again how it stands', async () => {
    const url = await start();
    const { resource } = await send(url, 0, body.length, body.length);
    expect((await ask(url, body.length)).resource.generation).toBe(resource.generation);
    expect((await send(url, 0, body.length, body.length)).resource.generation).toBe(resource.generation);
  });

  test('is one request as well, of known and of unknown length', async () => {
    expect((await statusOf(await start(), { method: 'PUT', body })).status).toBe(200);
    expect(await whole()).toBe(true);
    const headers = { 'content-range': 'bytes 0-*/*' };
    expect((await statusOf(await start(), { method: 'PUT', headers, body })).status).toBe(200);
    expect(await whole()).toBe(true);
  });

  test('of nothing is an object of no bytes', async () => {
    expect((await ask(await start(), 0)).resource).toMatchObject({ size: '0', crc32c: 'AAAAAA==' });
  });

  test('keeps whole granules of what is no end, and takes up what it has again', async () => {
    const url = await start();
    expect(await send(url, 0, GRANULE + 100, body.length)).toMatchObject({
      status: 308,
      range: `bytes=0-${GRANULE - 1}`,
    });
    // From before what is there: that much is skipped.
    expect(await send(url, 10, 2 * GRANULE, body.length)).toMatchObject({
      status: 308,
      range: `bytes=0-${2 * GRANULE - 1}`,
    });
    expect(await send(url, 2 * GRANULE, body.length, body.length)).toMatchObject({ status: 200 });
    expect(await whole()).toBe(true);
  });

  test('that breaks off in a body keeps the granules that had come', async () => {
    const url = await start();
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `PUT ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    socket.write(body.subarray(0, 2 * GRANULE + 50), () => socket.destroy());
    await expect.poll(async () => (await ask(url, body.length)).range).toMatch(/^bytes=0-/);
    const received = Number((await ask(url, body.length)).range?.split('-')[1]) + 1;
    expect(received % GRANULE).toBe(0);
    expect(received).toBeLessThanOrEqual(2 * GRANULE);
    expect(await send(url, received, body.length, body.length)).toMatchObject({ status: 200 });
    expect(await whole()).toBe(true);
  });

  test('goes on after a restart, with the right checksums', async () => {
    const url = new URL(await start());
    await send(url.href, 0, 2 * GRANULE, body.length);
    await server.restart();
    url.host = new URL(server.endpoint).host;
    expect(await ask(url.href, body.length)).toMatchObject({ status: 308, range: `bytes=0-${2 * GRANULE - 1}` });
    const { resource } = await send(url.href, 2 * GRANULE, body.length, body.length);
    expect(resource.md5Hash).toBe(createHash('md5').update(body).digest('base64'));
    await server.restart();
    expect(await whole()).toBe(true);
  });

  test('that is cancelled is gone, and what had come with it', async () => {
    const [blocks, sessions] = [await dataBlocks(server, 'bucket'), await sessionsOf(server, 'bucket')];
    const url = await start();
    await send(url, 0, GRANULE, body.length);
    expect((await statusOf(url, { method: 'DELETE' })).status).toBe(499);
    expect(await ask(url)).toMatchObject({ status: 404, reason: 'notFound' });
    expect((await statusOf(url, { method: 'DELETE' })).status).toBe(404);
    expect(await dataBlocks(server, 'bucket')).toBe(blocks);
    expect(await sessionsOf(server, 'bucket')).toBe(sessions);
  });

  test('is over after a week, and what had come is gone', async () => {
    const blocks = await dataBlocks(server, 'bucket');
    const url = await start();
    await send(url, 0, GRANULE, body.length);
    server.nowMs = () => Date.now() + 7 * 24 * 3_600_000 + 60_000;
    expect(await ask(url)).toMatchObject({ status: 404, reason: 'notFound' });
    server.nowMs = () => Date.now();
    expect(await dataBlocks(server, 'bucket')).toBe(blocks);
  });

  test.each([
    ['beyond what is there', 'bytes 262144-262243/1000000', 100],
    ['that are no range', 'bytes 9-3/100', 100],
    ['behind the end', 'bytes 0-99/50', 100],
    ['of another form', '0-99', 100],
    ['that are not those of the body', 'bytes 0-49/1000', 100],
  ])('refuses bytes %s', async (_, range, length) => {
    const url = await start();
    const init = { method: 'PUT', headers: { 'content-range': range }, body: body.subarray(0, length) };
    expect(await statusOf(url, init)).toMatchObject({ status: 400, reason: 'invalid' });
    expect(await ask(url)).toMatchObject({ status: 308, range: null });
  });

  test('refuses another size than it was begun for', async () => {
    const url = await start('', { headers: { 'x-upload-content-length': '1000' } });
    expect(await send(url, 0, 100, 100)).toMatchObject({ status: 400, reason: 'invalid' });
    expect(await send(url, 0, 1000, 1000)).toMatchObject({ status: 200 });
  });

  test('holds its conditions at the start, and again at the end', async () => {
    const sessions = await sessionsOf(server, 'bucket');
    const url = await start('&ifGenerationMatch=0');
    await file().save('first', { resumable: false });
    expect(await send(url, 0, body.length, body.length)).toMatchObject({ status: 412, reason: 'conditionNotMet' });
    expect((await file().download())[0].toString()).toBe('first');
    expect(await sessionsOf(server, 'bucket')).toBe(sessions);
    const again = `${server.endpoint}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=${name}&ifGenerationMatch=0`;
    expect(await statusOf(again, { method: 'POST' })).toMatchObject({ status: 412 });
  });

  test('is verified by the checksum of its last request, and of its first', async () => {
    const sum = new CRC32C();
    sum.update(body);
    const blocks = await dataBlocks(server, 'bucket');
    const wrong = await send(await start(), 0, body.length, body.length, { 'x-goog-hash': 'crc32c=AAAAAA==' });
    expect(wrong).toMatchObject({ status: 400, reason: 'invalid' });
    const begun = await start('', { headers: { 'content-type': 'application/json' }, body: '{"crc32c":"AAAAAA=="}' });
    expect(await send(begun, 0, body.length, body.length)).toMatchObject({ status: 400 });
    expect(await file().exists()).toEqual([false]);
    expect(await dataBlocks(server, 'bucket')).toBe(blocks);
    const right = { 'x-goog-hash': `crc32c=${sum.toString()}` };
    expect(await send(await start(), 0, body.length, body.length, right)).toMatchObject({ status: 200 });
  });

  test('needs no token: its URL is one', async () => {
    const closed = await startGcsServer({ anonymous: false });
    try {
      const url = `${closed.endpoint}/upload/storage/v1/b/bucket/o?uploadType=resumable&name=x`;
      expect(await statusOf(url, { method: 'POST' })).toMatchObject({ status: 401 });
      expect(await statusOf(`${url}&upload_id=guessed`, { method: 'PUT' })).toMatchObject({ status: 404 });
    } finally {
      await closed.close();
    }
  });
});

test('Google’s client writes and resumes so', async () => {
  const large = randomBytes(2 ** 20 + 5);
  await file().save(large, { resumable: true, chunkSize: GRANULE });
  expect((await file().download())[0].equals(large)).toBe(true);
});
