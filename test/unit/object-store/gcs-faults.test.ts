import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { base64OfCrc32 } from '../../../src/checksums/combine-crcs.js';
import { crc32c } from '../../../src/checksums/crc32c.js';
import type { GcsStoreOptions } from '../../../src/object-store/gcs/gcs-options.js';
import type { ObjectStore } from '../../../src/object-store/object-store.js';
import { type Answer, answering, failingJson, hangingUp, scriptedGcsStore, silent } from './scripted-server.js';

const MEBIBYTE = 2 ** 20;

let fixture: Awaited<ReturnType<typeof scriptedGcsStore>> | undefined;
afterEach(() => fixture?.close());

async function storeWith(script: readonly Answer[], options?: Partial<GcsStoreOptions>): Promise<ObjectStore> {
  fixture = await scriptedGcsStore(script, options);
  return fixture.store;
}
const seen = () => fixture?.seen ?? [];
const requests = () => seen().map(({ method, url }) => `${method} ${url.split('?')[0]}`);
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const crcOf = (bytes: Uint8Array | string) => base64OfCrc32(crc32c(Buffer.from(bytes)));

const head = (size: number, from = 0, length = size - from) => ({
  'x-goog-generation': '7',
  'x-goog-stored-content-length': String(size),
  'content-length': String(length),
  ...(from > 0 || length < size ? { 'content-range': `bytes ${from}-${from + length - 1}/${size}` } : {}),
});
const resource = (fields: object = {}) => JSON.stringify({ name: 'key', size: '3', generation: '9', ...fields });
const json = (content: string): Answer => answering({ 'content-type': 'application/json' }, content);
const ok = answering(head(5), 'hello');
const incomplete =
  (range?: string): Answer =>
  (response) =>
    void response.writeHead(308, range ? { range } : {}).end();

/** Announces ten bytes, sends the first four and breaks off. */
const half: Answer = (response) => {
  response.writeHead(200, head(10));
  response.write('0123', () => response.destroy());
};
const rest: Answer = (response) => void response.writeHead(206, head(10, 4)).end('456789');

describe('requests that may go better next time', () => {
  test.each([
    ['too many', failingJson(429, 'rateLimitExceeded')],
    ['too many, as it was said once', failingJson(403, 'userRateLimitExceeded')],
    ['failed inside', failingJson(500, 'internalError')],
    ['without a backend', failingJson(503, 'backendError')],
    ['timed out at the service', failingJson(408, 'requestTimeout')],
    ['answered by a proxy', answeringWith(502, '<html>Bad Gateway</html>')],
    ['cut off', hangingUp],
  ])('a request that was %s is sent again', async (_, answer) => {
    const store = await storeWith([answer, answer, ok]);
    expect(textOf(await store.get('key'))).toBe('hello');
    expect(requests()).toHaveLength(3);
  });

  test('attempts are bounded, and the error says what the service said', async () => {
    const store = await storeWith([failingJson(503, 'backendError')]);
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      class: 'infrastructure',
      message: expect.stringMatching(/gs:\/\/bucket\/key.*backendError.*REQ1/),
    });
    expect(requests()).toHaveLength(4);
  });

  test('bytes that never arrive as they were sent are TRANSFER_FAILED', async () => {
    const said = `Provided CRC32C "a" doesn't match calculated CRC32C "b".`;
    const changed = failingJson(400, 'invalid', said);
    const store = await storeWith([changed, changed, changed, changed, failingJson(404, 'notFound')]);
    const failed = { code: 'TRANSFER_FAILED', class: 'infrastructure', message: expect.stringContaining(said) };
    await expect(store.put('key', new Uint8Array(3))).rejects.toMatchObject(failed);
    // The fifth looks whether it was this write after all.
    expect(requests()).toEqual([
      ...Array(4).fill('POST /upload/storage/v1/b/bucket/o'),
      'GET /storage/v1/b/bucket/o/key',
    ]);
  });

  test('a service that never answers is given up at the deadline', async () => {
    const retry = { attempts: 9, baseDelayMs: 1, maxDelayMs: 1, deadlineMs: 150 };
    const store = await storeWith([silent], { retry });
    await expect(store.put('key', new Uint8Array(1))).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/150 ms/),
    });
  });

  test('a connection that is silent for too long counts as broken', async () => {
    const store = await storeWith([silent, ok], { idleTimeoutMs: 100 });
    expect(textOf(await store.get('key'))).toBe('hello');
    expect(requests()).toHaveLength(2);
  });

  test('an abort ends the wait for an answer with its own reason, and the connection with it', async () => {
    const stop = new AbortController();
    let closed: Promise<unknown> | undefined;
    const store = await storeWith([
      (response) => {
        closed = new Promise((resolve) => response.socket?.once('close', resolve));
        stop.abort(new Error('enough'));
      },
    ]);
    await expect(store.get('key', { signal: stop.signal })).rejects.toThrow('enough');
    await closed;
    expect(requests()).toHaveLength(1);
  });

  test('an abort of an upload whose bytes are under way ends its connection', async () => {
    const stop = new AbortController();
    const store = await storeWith([silent]);
    const writing = store.put('key', new Uint8Array(64 * MEBIBYTE), { signal: stop.signal });
    setImmediate(() => stop.abort(new Error('enough')));
    await expect(writing).rejects.toThrow('enough');
    await expect.poll(() => (fixture?.broken() ?? 0) + (fixture?.seen.length ?? 0)).toBeLessThanOrEqual(1);
    expect(fixture?.seen).toEqual([]);
  });
});

describe('requests that never go better', () => {
  test.each([
    [401, 'authError', 'said', 'ACCESS_DENIED', /GOOGLE_APPLICATION_CREDENTIALS/],
    [403, 'forbidden', 'me does not have storage.objects.get access', 'ACCESS_DENIED', /does not have.*role/],
    [404, 'notFound', 'The specified bucket does not exist.', 'NOT_FOUND', /bucket 'bucket' does not exist.*gcloud/],
    [404, 'notFound', 'No such object: bucket/key', 'NOT_FOUND', /bucket 'bucket' has no object 'key'/],
    [412, 'conditionNotMet', 'said', 'PRECONDITION_FAILED', /gs:\/\/bucket\/key/],
    [416, 'requestedRangeNotSatisfiable', 'said', 'INVALID_OPTIONS', /range/],
    [
      400,
      'required',
      'Bucket is a requester pays bucket but no user project provided.',
      'INVALID_OPTIONS',
      /userProject/,
    ],
    [400, 'invalid', 'Bad thing', 'INVALID_OPTIONS', /Bad thing/],
    [501, 'notImplemented', 'said', 'SERVICE_FAILED', /notImplemented/],
  ])('%i %s (%s) is %s at once, and says what to do', async (status, reason, said, code, message) => {
    const store = await storeWith([failingJson(status, reason, said)]);
    await expect(store.get('key')).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(requests()).toHaveLength(1);
  });

  test('versions that no object has are not asked for', async () => {
    const store = await storeWith([ok]);
    for (const ifMatch of ['', '0', 'abc', '-1', '1 ', 'd41d8cd98f00b204e9800998ecf8427e']) {
      await expect(store.get('key', { ifMatch })).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
      await expect(store.put('key', new Uint8Array(1), { ifMatch })).rejects.toMatchObject({
        code: 'PRECONDITION_FAILED',
      });
    }
    expect(requests()).toEqual([]);
  });

  test('keys that would name another resource are not asked for', async () => {
    const store = await storeWith([ok]);
    for (const key of ['.', '..', 'a\nb', 'a\rb']) {
      await expect(store.deleteMany([key])).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
      await expect(store.get(key)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    }
    expect(requests()).toEqual([]);
  });

  test('an answer that is no resource is PROTOCOL', async () => {
    const store = await storeWith([json('<html>')]);
    await expect(store.head('key')).rejects.toMatchObject({ code: 'PROTOCOL' });
  });

  test('an answer that does not say which version it is of is PROTOCOL', async () => {
    const store = await storeWith([answering({ 'content-length': '5' }, 'hello')]);
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringMatching(/generation/),
    });
  });
});

describe('a write', () => {
  test('carries its checksum, and what it is to replace', async () => {
    const store = await storeWith([json(resource())]);
    await store.put('a b/c', Buffer.from('abc'), { contentType: 'text/x', ifMatch: '41' });
    const [{ url, headers, body } = { url: '', headers: {}, body: Buffer.alloc(0) }] = seen();
    const query = new URL(url, 'http://x').searchParams;
    expect([query.get('uploadType'), query.get('name'), query.get('ifGenerationMatch')]).toEqual([
      'multipart',
      'a b/c',
      '41',
    ]);
    expect(headers['content-type']).toMatch(/^multipart\/related; boundary=/);
    expect(body.toString()).toContain(`"crc32c":"${crcOf('abc')}"`);
    expect(body.toString()).toContain('\r\nContent-Type: text/x\r\n\r\nabc\r\n--');
  });

  test('names who pays', async () => {
    const store = await storeWith([json(resource()), ok, json('{}')], { userProject: 'payer' });
    await store.put('key', new Uint8Array(1));
    await store.get('key');
    for await (const _ of store.listAfter('')) expect.unreachable();
    for (const { url } of seen()) expect(new URL(url, 'http://x').searchParams.get('userProject')).toBe('payer');
  });

  describe('whose answer got lost', () => {
    const marked =
      (mark: (body: string) => string): Answer =>
      (response) => {
        const [, sent = ''] = /"sluice-write":"([^"]+)"/.exec(seen()[0]?.body.toString() ?? '') ?? [];
        response.end(resource({ generation: '5', metadata: { 'sluice-write': mark(sent) } }));
      };

    test('is not beaten by itself', async () => {
      const store = await storeWith([hangingUp, failingJson(412, 'conditionNotMet'), marked((mark) => mark)]);
      await expect(store.put('key', new Uint8Array(3), { ifAbsent: true })).resolves.toMatchObject({ etag: '5' });
      expect(requests().map((line) => line.split(' ')[0])).toEqual(['POST', 'POST', 'GET']);
    });

    test('is still beaten by another', async () => {
      const store = await storeWith([hangingUp, failingJson(412, 'conditionNotMet'), marked(() => 'theirs')]);
      const written = store.put('key', new Uint8Array(3), { ifAbsent: true });
      await expect(written).rejects.toMatchObject({ code: 'PRECONDITION_FAILED' });
    });
  });
});

describe('a body that breaks off', () => {
  test('is taken up where it broke, of the same version', async () => {
    const store = await storeWith([half, rest]);
    expect(textOf(await store.get('key'))).toBe('0123456789');
    expect(seen()[1]?.headers.range).toBe('bytes=4-9');
    expect(seen()[1]?.url).toContain('ifGenerationMatch=7');
  });

  test('is taken up within the range that was asked for', async () => {
    const partial: Answer = (response) => {
      response.writeHead(206, head(900, 100, 6));
      response.write('ab', () => response.destroy());
    };
    const end: Answer = (response) => void response.writeHead(206, head(900, 102, 4)).end('cdef');
    const store = await storeWith([partial, end]);
    expect(textOf(await store.get('key', { range: { start: 100, end: 105 } }))).toBe('abcdef');
    expect(seen()[1]?.headers.range).toBe('bytes=102-105');
  });

  test('and falls silent is taken up as well', async () => {
    const stalling: Answer = (response) => {
      response.writeHead(200, head(10));
      response.write('0123');
    };
    const store = await storeWith([stalling, rest], { idleTimeoutMs: 100 });
    expect(textOf(await store.get('key'))).toBe('0123456789');
  });

  test('of an object that was replaced meanwhile is no mixture of both', async () => {
    const store = await storeWith([half, failingJson(412, 'conditionNotMet')]);
    const { chunks } = await store.getStream('key');
    await expect(drain(chunks)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/changed/),
    });
  });

  test('is never put together from a server that knows no ranges', async () => {
    const store = await storeWith([half, answering(head(10), '0123456789')]);
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: expect.stringMatching(/bytes 4 to 9/),
    });
  });

  test('as a whole stands for a range only where it is the range', async () => {
    const store = await storeWith([answering(head(10), '0123456789')]);
    await expect(store.get('key', { range: { start: 2, end: 3 } })).rejects.toMatchObject({ code: 'PROTOCOL' });
    await expect(store.get('key', { range: { start: 0, end: 3 } })).rejects.toMatchObject({ code: 'PROTOCOL' });
    expect(textOf(await store.get('key', { range: { start: 0, end: 99 } }))).toBe('0123456789');
  });

  test('again and again without a byte more is given up', async () => {
    const nothing: Answer = (response) => {
      response.writeHead(206, head(10, 4));
      response.flushHeaders();
      response.socket?.end();
    };
    const store = await storeWith([half, nothing]);
    const { chunks } = await store.getStream('key');
    await expect(drain(chunks)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/in a row/),
    });
  });
});

describe('a body that does not fit its checksum', () => {
  const announced = { ...head(5), 'x-goog-hash': `md5=x,crc32c=${crcOf('hello')}` };

  test('is read again when nothing was given away yet', async () => {
    const store = await storeWith([answering(announced, 'hellO'), answering(announced, 'hello')]);
    expect(textOf(await store.get('key'))).toBe('hello');
  });

  test('fails a stream before its last chunk', async () => {
    const store = await storeWith([answering(announced, 'hellO')]);
    const { chunks } = await store.getStream('key');
    const given: Uint8Array[] = [];
    await expect(drain(chunks, given)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/CRC32C/),
    });
    expect(given).toEqual([]);
  });

  test('is noticed when it came in two answers too', async () => {
    const first: Answer = (response) => {
      response.writeHead(200, announced);
      response.write('he', () => response.destroy());
    };
    const second: Answer = (response) =>
      void response.writeHead(206, { ...head(5, 2), 'x-goog-hash': announced['x-goog-hash'] }).end('LLO');
    const store = await storeWith([first, second]);
    const { chunks } = await store.getStream('key');
    await expect(drain(chunks)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/CRC32C/),
    });
  });

  test('of a part is the caller’s to put together: the stream tells the sum of the whole', async () => {
    const range = { start: 1, end: 2 };
    const part: Answer = (response) =>
      void response.writeHead(206, { ...head(5, 1, 2), 'x-goog-hash': announced['x-goog-hash'] }).end('el');
    const store = await storeWith([part]);
    const { info, chunks } = await store.getStream('key', { range });
    await drain(chunks);
    expect(info.crc32c).toBe(crc32c(Buffer.from('hello')));
  });
});

describe('an upload in parts', () => {
  const body = randomBytes(20 * MEBIBYTE);
  const read = async ({ start, end }: { start: number; end: number }) => body.subarray(start, end + 1);
  const begun: Answer = (response) => {
    const { host } = seen()[0]?.headers ?? {};
    response.writeHead(200, { location: `http://${host}/upload/session?upload_id=very-secret` }).end();
  };
  const done = json(resource({ size: String(body.length), crc32c: crcOf(body) }));
  const upTo = (count: number) => incomplete(`bytes=0-${count - 1}`);
  const PART = 8 * MEBIBYTE;
  const ranges = () =>
    seen()
      .slice(1)
      .map(({ method, headers }) => `${method} ${headers['content-range'] ?? ''}`.trim());

  test('goes part by part, the last one with the checksum of the whole', async () => {
    const store = await storeWith([begun, upTo(PART), upTo(2 * PART), done]);
    const info = await store.putParts('key', body.length, read, { contentType: 'text/x' });
    expect(info).toMatchObject({ size: body.length, etag: '9' });
    expect(ranges()).toEqual([
      `PUT bytes 0-${PART - 1}/${body.length}`,
      `PUT bytes ${PART}-${2 * PART - 1}/${body.length}`,
      `PUT bytes ${2 * PART}-${body.length - 1}/${body.length}`,
    ]);
    expect(seen().map(({ headers }) => headers['x-goog-hash'])).toEqual([
      undefined,
      undefined,
      undefined,
      `crc32c=${crcOf(body)}`,
    ]);
    expect(seen()[0]?.headers).toMatchObject({
      'x-upload-content-type': 'text/x',
      'x-upload-content-length': String(body.length),
    });
    expect(
      Buffer.concat(
        seen()
          .slice(1)
          .map((one) => one.body),
      ).equals(body),
    ).toBe(true);
  });

  test('sends again what the service has not kept of a part', async () => {
    const store = await storeWith([
      begun,
      upTo(PART - MEBIBYTE),
      upTo(PART),
      incomplete(`bytes=0-${PART - 1}`),
      upTo(2 * PART),
      done,
    ]);
    await store.putParts('key', body.length, read);
    expect(ranges()).toEqual([
      `PUT bytes 0-${PART - 1}/${body.length}`,
      `PUT bytes ${PART - MEBIBYTE}-${PART - 1}/${body.length}`,
      `PUT bytes ${PART}-${2 * PART - 1}/${body.length}`,
      `PUT bytes ${PART}-${2 * PART - 1}/${body.length}`,
      `PUT bytes ${2 * PART}-${body.length - 1}/${body.length}`,
    ]);
  });

  test('asks how it stands after a failure, and goes on from there', async () => {
    const store = await storeWith([
      begun,
      failingJson(503, 'backendError'),
      upTo(3 * MEBIBYTE),
      upTo(PART),
      hangingUp,
      upTo(2 * PART),
      done,
    ]);
    await store.putParts('key', body.length, read);
    expect(ranges()).toEqual([
      `PUT bytes 0-${PART - 1}/${body.length}`,
      `PUT bytes */${body.length}`,
      `PUT bytes ${3 * MEBIBYTE}-${PART - 1}/${body.length}`,
      `PUT bytes ${PART}-${2 * PART - 1}/${body.length}`,
      `PUT bytes */${body.length}`,
      `PUT bytes ${2 * PART}-${body.length - 1}/${body.length}`,
    ]);
  });

  test('is done when its last answer got lost, and the service says so', async () => {
    const store = await storeWith([begun, upTo(PART), upTo(2 * PART), hangingUp, done]);
    await expect(store.putParts('key', body.length, read, { ifAbsent: true })).resolves.toMatchObject({ etag: '9' });
    expect(seen()[0]?.url).toContain('ifGenerationMatch=0');
    expect(ranges().at(-1)).toBe(`PUT bytes */${body.length}`);
  });

  test('is ended when it fails, with what had come of it', async () => {
    const store = await storeWith([begun, upTo(PART), failingJson(403, 'forbidden'), answeringWith(499, '')]);
    await expect(store.putParts('key', body.length, read)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(requests().at(-1)).toBe('DELETE /upload/session');
  });

  test.each([
    ['that loses what it had', 'TRANSFER_FAILED', /lost/, [upTo(PART), upTo(MEBIBYTE)]],
    ['that takes nothing, again and again', 'PROTOCOL', /takes none/, [incomplete()]],
    ['that never takes it for complete', 'PROTOCOL', /complete/, [upTo(PART), upTo(2 * PART), upTo(body.length)]],
    ['that has ended it for somebody else', 'TRANSFER_FAILED', /somebody else/, [failingJson(410, 'gone')]],
  ] as const)('to a service %s is %s', async (_, code, message, answers) => {
    const store = await storeWith([begun, ...answers]);
    await expect(store.putParts('key', body.length, read)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(requests().at(-1)).toBe('DELETE /upload/session');
  });

  test('that came out wrong, at a service that verifies nothing, does not stay', async () => {
    const wrong = json(resource({ size: String(body.length), crc32c: 'AAAAAA==' }));
    const store = await storeWith([
      begun,
      upTo(PART),
      upTo(2 * PART),
      wrong,
      answeringWith(204, ''),
      answeringWith(499, ''),
    ]);
    await expect(store.putParts('key', body.length, read)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/CRC32C AAAAAA==/),
    });
    expect(
      seen().some(
        ({ method, url }) => method === 'DELETE' && url.startsWith('/storage/v1/b/bucket/o/key?ifGenerationMatch=9'),
      ),
    ).toBe(true);
  });

  test('never tells the URL it goes to', async () => {
    const store = await storeWith([begun, hangingUp]);
    const error: unknown = await store.putParts('key', body.length, read).catch((reason: unknown) => reason);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/very-secret|upload_id/);
  });
});

describe('nothing secret is in an error', () => {
  const key = { client_email: 'me@example.com', private_key: 'not a key, but very-secret' };

  test('of credentials that cannot be used', async () => {
    const store = await storeWith([ok], { credentials: key });
    const error: unknown = await store.get('key').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringMatching(/keyFile/) });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/very-secret/);
    expect(requests()).toEqual([]);
  });

  test('of a request that was sent with a token', async () => {
    const { privateKey } = await import('node:crypto').then((crypto) =>
      crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
    );
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const store = await storeWith([failingJson(403, 'forbidden'), hangingUp], {
      credentials: { ...key, private_key: pem },
    });
    for (let round = 0; round < 2; round += 1) {
      const error: unknown = await store.get('key').catch((reason: unknown) => reason);
      const [, token = 'no token'] = /^Bearer (\S+)$/.exec(seen()[0]?.headers.authorization ?? '') ?? [];
      expect(token).toMatch(/^eyJ/);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(token.slice(-40));
    }
  });
});

describe('many objects', () => {
  test('keys that could not be deleted are named, with the reason', async () => {
    const refuseTwo: Answer = (response, request) => {
      if (/\/o\/[ab]$/.test(request.url)) failingJson(403, 'forbidden')(response, request);
      else response.writeHead(204).end();
    };
    const store = await storeWith([refuseTwo]);
    await expect(store.deleteMany(['a', 'b', 'c', 'a'])).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/gs:\/\/bucket\/a.*also "b"/s),
    });
    expect(requests().sort()).toEqual(['a', 'b', 'c'].map((one) => `DELETE /storage/v1/b/bucket/o/${one}`));
  });

  test('a service that fails ends a deletion of many', async () => {
    const store = await storeWith([failingJson(503, 'backendError')], { concurrency: 2 });
    const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    await expect(store.deleteMany(keys)).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    expect(requests().length).toBeLessThanOrEqual(2 * 4);
  });

  test('a key without an object is deleted; whether there is a bucket is asked once', async () => {
    const gone: Answer = (response, request) => {
      if (request.method === 'DELETE') failingJson(404, 'notFound')(response, request);
      else response.end('{}');
    };
    const store = await storeWith([gone]);
    await store.deleteMany(['a', 'b', 'c']);
    expect(requests().filter((line) => line.startsWith('GET'))).toEqual(['GET /storage/v1/b/bucket/o']);
  });

  test('a listing begins after the key it is given, whatever the service thinks of that key', async () => {
    const pages = [
      json(`{"items":[${resource({ name: 'b' })},${resource({ name: 'b0' })}],"nextPageToken":"more"}`),
      json(`{"items":[${resource({ name: 'c' })}]}`),
    ];
    const store = await storeWith(pages);
    const keys: string[] = [];
    for await (const { key } of store.listAfter('', { startAfter: 'b' })) keys.push(key);
    expect(keys).toEqual(['b0', 'c']);
    expect(seen().map(({ url }) => new URL(url, 'http://x').searchParams.get('pageToken'))).toEqual([null, 'more']);
  });

  test('no more requests are open at a time than the concurrency', async () => {
    let open = 0;
    let most = 0;
    const slow: Answer = (response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.writeHead(200, head(5)).end('hello');
      }, 5);
    };
    const store = await storeWith([slow], { concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, () => store.get('key')));
    expect(most).toBe(3);
  });
});

function answeringWith(status: number, text: string): Answer {
  return (response) => void response.writeHead(status).end(text);
}

async function drain(chunks: AsyncIterable<Uint8Array>, given: Uint8Array[] = []): Promise<void> {
  for await (const chunk of chunks) given.push(chunk);
}
