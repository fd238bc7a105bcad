import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CRC32C } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ODD_KEYS } from '../../../../src/conformance/object-store/contents.js';
import { answerOf, dataBlocks, type GcsServer, startGcsServer, statusOf } from './gcs-server.js';

let server: GcsServer;
beforeAll(async () => {
  server = await startGcsServer();
  await server.storage.createBucket('bucket');
});
afterAll(() => server.close());

const BODY = Buffer.from('hello, objects');
const file = (name: string) => server.storage.bucket('bucket').file(name);
const save = (name: string, body: Buffer | string = BODY, options = {}) =>
  file(name).save(body, { resumable: false, ...options });
const md5 = (body: Buffer) => createHash('md5').update(body).digest('base64');
const crc = (body: Buffer) => {
  const sum = new CRC32C();
  sum.update(body);
  return sum.toString();
};
const upload = (query: string) => `${server.endpoint}/upload/storage/v1/b/bucket/o?${query}`;
const media = (name: string, query = '') =>
  `${server.endpoint}/storage/v1/b/bucket/o/${encodeURIComponent(name)}?alt=media${query}`;

/** A body of two parts, as the JSON API's simplest upload with a resource has it. */
function related(resource: object, body: Buffer | string, type = 'text/plain'): RequestInit {
  const parts = [
    `--bound\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(resource)}\r\n`,
    `--bound\r\nContent-Type: ${type}\r\n\r\n`,
    body,
    '\r\n--bound--\r\n',
  ];
  const headers = { 'content-type': 'multipart/related; boundary=bound' };
  return { method: 'POST', headers, body: Buffer.concat(parts.map((part) => Buffer.from(part))) };
}

describe('an object', () => {
  test('comes back as it was written, with its checksums, generation and what was said of it', async () => {
    await save('told', BODY, {
      contentType: 'text/plain',
      metadata: { cacheControl: 'no-store', contentLanguage: 'en', metadata: { who: 'me' } },
    });
    const [metadata] = await file('told').getMetadata();
    expect(metadata).toMatchObject({
      kind: 'storage#object',
      name: 'told',
      bucket: 'bucket',
      size: String(BODY.length),
      contentType: 'text/plain',
      cacheControl: 'no-store',
      contentLanguage: 'en',
      metadata: { who: 'me' },
      md5Hash: md5(BODY),
      crc32c: crc(BODY),
      metageneration: '1',
      storageClass: 'STANDARD',
    });
    expect(metadata.generation).toMatch(/^\d{16}$/);
    expect(Math.abs(Date.parse(String(metadata.updated)) - Date.now())).toBeLessThan(60_000);
    const [bytes] = await file('told').download();
    expect(bytes.equals(BODY)).toBe(true);
  });

  test('has a larger generation each time it is written, whatever the clock says', async () => {
    const generations: number[] = [];
    server.nowMs = () => 1_700_000_000_000;
    for (let round = 0; round < 3; round++) {
      await save('again', `round ${round}`);
      generations.push(Number((await file('again').getMetadata())[0].generation));
    }
    server.nowMs = () => Date.now();
    expect(generations).toEqual([...generations].sort((left, right) => left - right));
    expect(new Set(generations).size).toBe(3);
  });

  test('of no bytes is one', async () => {
    await save('empty', '');
    expect((await file('empty').download())[0]).toHaveLength(0);
    expect((await file('empty').getMetadata())[0]).toMatchObject({ size: '0', crc32c: 'AAAAAA==' });
  });

  test('may be called anything but what Cloud Storage refuses', async () => {
    const refused = new Set(['.', '..', 'return\rin', 'line\nfeed']);
    for (const name of ODD_KEYS) {
      const { status, reason } = await statusOf(upload('uploadType=multipart'), related({ name }, name));
      expect([name, status, reason]).toEqual(refused.has(name) ? [name, 400, 'invalid'] : [name, 200, '']);
      if (!refused.has(name)) expect((await statusOf(media(name))).text).toBe(name);
    }
    for (const name of ['.well-known/acme-challenge/x', 'x'.repeat(1_025)]) {
      expect(await statusOf(upload(`uploadType=media&name=${name}`), { method: 'POST' })).toMatchObject({
        status: 400,
      });
    }
  });

  test('that is missing, or is of another generation, is not found', async () => {
    await save('once');
    expect(await answerOf(file('never').getMetadata())).toBe('404 notFound');
    expect(await answerOf(file('never').download())).toBe('404 notFound');
    expect(await answerOf(server.storage.bucket('no-bucket').file('x').getMetadata())).toBe('404 notFound');
    const url = `${server.endpoint}/storage/v1/b/bucket/o/once?generation=1`;
    expect(await statusOf(url)).toMatchObject({ status: 404, reason: 'notFound' });
    expect(await statusOf(url, { method: 'DELETE' })).toMatchObject({ status: 404 });
    expect(await file('once').exists()).toEqual([true]);
  });

  test('is changed in what is said of it, and not in its bytes, by a patch', async () => {
    await save('patched', BODY, { metadata: { contentType: 'text/plain', metadata: { keep: '1', drop: '2' } } });
    const before = (await file('patched').getMetadata())[0];
    const patch = { contentType: null, cacheControl: 'no-cache', metadata: { drop: null, add: '3' } };
    const url = `${server.endpoint}/storage/v1/b/bucket/o/patched`;
    expect(await statusOf(url, { method: 'PATCH', body: JSON.stringify(patch) })).toMatchObject({ status: 200 });
    const [after] = await file('patched').getMetadata();
    expect(after).toMatchObject({ cacheControl: 'no-cache', metadata: { keep: '1', add: '3' }, metageneration: '2' });
    expect(after.metadata).not.toHaveProperty('drop');
    expect(after).not.toHaveProperty('contentType');
    expect([after.generation, after.crc32c]).toEqual([before.generation, before.crc32c]);
    expect((await file('patched').download())[0].equals(BODY)).toBe(true);
  });

  test('does not take what is not played for done', async () => {
    const resource = { name: 'held', temporaryHold: true };
    expect(await statusOf(upload('uploadType=multipart'), related(resource, 'x'))).toMatchObject({ status: 501 });
    const headers = { 'x-goog-encryption-algorithm': 'AES256' };
    expect(await statusOf(media('told'), { headers })).toMatchObject({ status: 501, reason: 'notImplemented' });
    expect(await statusOf(upload('uploadType=media&name=x&kmsKeyName=k'), { method: 'POST' })).toMatchObject({
      status: 501,
    });
  });
});

describe('what is written is verified', () => {
  const wrongCrc = crc(Buffer.from('another'));
  test.each<[string, string, () => RequestInit]>([
    ['a CRC32C in the resource', 'uploadType=multipart', () => related({ name: 'wrong', crc32c: wrongCrc }, BODY)],
    [
      'an MD5 in the resource',
      'uploadType=multipart',
      () => related({ name: 'wrong', md5Hash: md5(Buffer.from('x')) }, BODY),
    ],
    [
      'a CRC32C in the header',
      'uploadType=media&name=wrong',
      () => ({ method: 'POST', headers: { 'x-goog-hash': `crc32c=${wrongCrc}` }, body: BODY }),
    ],
    [
      'an MD5 in the header',
      'uploadType=media&name=wrong',
      () => ({ method: 'POST', headers: { 'content-md5': md5(Buffer.from('x')) }, body: BODY }),
    ],
  ])('by %s: what does not fit is refused, and nothing is stored', async (_, query, init) => {
    const before = await dataBlocks(server, 'bucket');
    const { status, reason, text } = await statusOf(upload(query), init());
    expect([status, reason]).toEqual([400, 'invalid']);
    expect(text).toMatch(/Provided (CRC32C|MD5 hash) .* doesn't match calculated/);
    expect(await file('wrong').exists()).toEqual([false]);
    expect(await dataBlocks(server, 'bucket')).toBe(before);
  });

  test('and what fits is taken', async () => {
    const headers = { 'x-goog-hash': `crc32c=${crc(BODY)},md5=${md5(BODY)}` };
    expect(
      await statusOf(upload('uploadType=media&name=right'), { method: 'POST', headers, body: BODY }),
    ).toMatchObject({
      status: 200,
    });
    const resource = { name: 'right', crc32c: crc(BODY), md5Hash: md5(BODY) };
    expect(await statusOf(upload('uploadType=multipart'), related(resource, BODY))).toMatchObject({ status: 200 });
  });

  test('a checksum that is none is a bad parameter', async () => {
    const resource = { name: 'wrong', crc32c: 'nonsense' };
    expect(await statusOf(upload('uploadType=multipart'), related(resource, 'x'))).toMatchObject({
      reason: 'invalidParameter',
    });
  });

  test('a name in the query that is not that of the resource is refused', async () => {
    expect(await statusOf(upload('uploadType=multipart&name=one'), related({ name: 'two' }, 'x'))).toMatchObject({
      status: 400,
    });
    expect(await statusOf(upload('uploadType=multipart'), related({}, 'x'))).toMatchObject({ reason: 'required' });
  });

  test.each(['', 'text/plain', 'multipart/related'])('a body of the type %j is not of two parts', async (type) => {
    const init = { ...related({ name: 'x' }, 'x'), headers: { 'content-type': type } };
    expect(await statusOf(upload('uploadType=multipart'), init)).toMatchObject({ status: 400, reason: 'badRequest' });
  });
});

describe('a download', () => {
  test('has the headers of the object as it is stored, also in part', async () => {
    await save('headed', '0123456789', { contentType: 'text/x' });
    const whole = await statusOf(media('headed'));
    const part = await statusOf(media('headed'), { headers: { range: 'bytes=2-4' } });
    expect([whole.status, whole.text, part.status, part.text]).toEqual([200, '0123456789', 206, '234']);
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
    for (const { headers } of [whole, part]) {
      expect(headers.get('x-goog-hash')).toBe(
        `crc32c=${crc(Buffer.from('0123456789'))},md5=${md5(Buffer.from('0123456789'))}`,
      );
      expect(headers.get('x-goog-stored-content-length')).toBe('10');
      expect(headers.get('x-goog-stored-content-encoding')).toBe('identity');
      expect(headers.get('x-goog-generation')).toMatch(/^\d+$/);
      expect(headers.get('content-type')).toBe('text/x');
    }
  });

  test.each([
    ['bytes=8-99', 206, '89'],
    ['bytes=-3', 206, '789'],
    ['bytes=7-', 206, '789'],
    ['bytes=5-4', 200, '0123456789'],
    ['lines=1-2', 200, '0123456789'],
    ['bytes=10-', 416, undefined],
    ['bytes=0-1,4-5', 501, undefined],
  ])('of the range %s is answered with %i', async (range, status, text) => {
    await save('ranged', '0123456789');
    const answer = await statusOf(media('ranged'), { headers: { range } });
    expect(answer.status).toBe(status);
    if (text !== undefined) expect(answer.text).toBe(text);
    if (status === 416) expect(answer.reason).toBe('requestedRangeNotSatisfiable');
  });

  test('of what is compressed is compressed only for those who take it so', async () => {
    const packed = gzipSync(BODY);
    await file('packed').save(packed, { resumable: false, metadata: { contentEncoding: 'gzip' } });
    const raw = await statusOf(media('packed'), { headers: { 'accept-encoding': 'gzip' } });
    // fetch unpacks it itself, so what it was told tells.
    expect(raw.headers.get('content-length')).toBe(String(packed.length));
    expect(raw.text).toBe(BODY.toString());
    const unpacked = await statusOf(media('packed'), {
      headers: { 'accept-encoding': 'identity', range: 'bytes=0-3' },
    });
    expect([unpacked.status, unpacked.text]).toEqual([200, BODY.toString()]);
    expect(unpacked.headers.get('x-goog-stored-content-encoding')).toBe('gzip');
  });
});

test('of a resource only the fields are given that are asked for', async () => {
  await save('chosen');
  const url = `${server.endpoint}/storage/v1/b/bucket/o`;
  const one = await statusOf(`${url}/chosen?fields=name,size`);
  expect(JSON.parse(one.text)).toEqual({ name: 'chosen', size: String(BODY.length) });
  const list = await statusOf(`${url}?prefix=chosen&fields=items(name,bucket)`);
  expect(JSON.parse(list.text)).toEqual({ items: [{ name: 'chosen', bucket: 'bucket' }] });
  expect(await statusOf(`${url}/chosen?fields=name(`)).toMatchObject({ status: 400, reason: 'invalidParameter' });
});
