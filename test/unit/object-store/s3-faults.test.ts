import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../../src/object-store/object-store.js';
import type { S3StoreOptions } from '../../../src/object-store/s3/s3-options.js';
import { type Answer, answering, failing, hangingUp, scriptedStore, silent } from './scripted-server.js';

let fixture: Awaited<ReturnType<typeof scriptedStore>> | undefined;
afterEach(() => fixture?.close());

async function storeWith(script: readonly Answer[], options?: Partial<S3StoreOptions>): Promise<ObjectStore> {
  fixture = await scriptedStore(script, options);
  return fixture.store;
}
const requests = () => (fixture?.seen ?? []).map(({ method, url }) => `${method} ${url.split('?')[0]}`);
const ok = answering({ etag: '"v1"', 'content-length': '5' }, 'hello');
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** Announces ten bytes, sends the first four and breaks off. */
const half: Answer = (response) => {
  response.writeHead(200, { etag: '"v1"', 'content-length': '10' });
  response.write('0123', () => response.destroy());
};
const rest: Answer = (response) => {
  response.writeHead(206, { etag: '"v1"', 'content-length': '6', 'content-range': 'bytes 4-9/10' }).end('456789');
};

describe('requests that may go better next time', () => {
  test.each([
    ['throttled', failing(503, 'SlowDown')],
    ['too many', failing(429, 'TooManyRequestsException')],
    ['failed inside', failing(500, 'InternalError')],
    ['timed out at the service', failing(400, 'RequestTimeout')],
    ['cut off', hangingUp],
  ])('a request that was %s is sent again', async (_, answer) => {
    const store = await storeWith([answer, answer, ok]);
    expect(textOf(await store.get('key'))).toBe('hello');
    expect(requests()).toHaveLength(3);
  });

  test('attempts are bounded, and the error says what the service said', async () => {
    const store = await storeWith([failing(503, 'SlowDown')]);
    await expect(store.get('key')).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      class: 'infrastructure',
      message: expect.stringMatching(/s3:\/\/bucket\/key.*SlowDown.*REQ1/),
    });
    expect(requests()).toHaveLength(4);
  });

  test.each(['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody'])(
    'bytes that never arrive as they were sent (%s) are TRANSFER_FAILED',
    async (code) => {
      const store = await storeWith([failing(400, code)]);
      const failed = { code: 'TRANSFER_FAILED', class: 'infrastructure', message: expect.stringMatching(code) };
      await expect(store.put('key', new Uint8Array(3))).rejects.toMatchObject(failed);
      // The fifth looks whether it was this write after all.
      expect(requests()).toEqual([...Array(4).fill('PUT /bucket/key'), 'HEAD /bucket/key']);
    },
  );

  test('a service that never answers is given up at the deadline', async () => {
    const store = await storeWith([silent], {
      retry: { attempts: 9, baseDelayMs: 1, maxDelayMs: 1, deadlineMs: 150 },
    });
    await expect(store.put('key', new Uint8Array(1))).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringMatching(/150 ms/),
    });
  });

  test('an abort ends the wait for an answer with its own reason', async () => {
    const stop = new AbortController();
    const store = await storeWith([() => stop.abort(new Error('enough'))]);
    await expect(store.get('key', { signal: stop.signal })).rejects.toThrow('enough');
    expect(requests()).toHaveLength(1);
  });

  test('200 with an error inside is an error', async () => {
    const store = await storeWith([
      answering({}, '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'),
      answering({ etag: '"p"' }),
      answering({ etag: '"p"' }),
      failing(200, 'InternalError'),
      answering({}, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>'),
    ]);
    const size = 9 * 1024 * 1024;
    const info = await store.putParts('key', size, async ({ start, end }) => new Uint8Array(end - start + 1));
    expect(info).toMatchObject({ size, etag: 'whole' });
  });
});

describe('requests that never go better', () => {
  test.each([
    [403, 'SignatureDoesNotMatch', 'ACCESS_DENIED', /AWS_SECRET_ACCESS_KEY/],
    [403, 'InvalidAccessKeyId', 'ACCESS_DENIED', /AWS_ACCESS_KEY_ID/],
    [400, 'ExpiredToken', 'ACCESS_DENIED', /log in again/],
    [403, 'AccessDenied', 'ACCESS_DENIED', /permission/],
    [404, 'NoSuchBucket', 'NOT_FOUND', /bucket 'bucket' does not exist.*aws s3 mb/],
    [404, 'NoSuchKey', 'NOT_FOUND', /bucket 'bucket' has no object 'key'/],
    [412, 'PreconditionFailed', 'PRECONDITION_FAILED', /s3:\/\/bucket\/key/],
    [416, 'InvalidRange', 'INVALID_OPTIONS', /range/],
    [301, 'PermanentRedirect', 'INVALID_OPTIONS', /another region/],
    [400, 'KeyTooLongError', 'INVALID_OPTIONS', /said KeyTooLongError/],
  ])('%i %s is %s at once, and says what to do', async (status, said, code, message) => {
    const store = await storeWith([failing(status, said)]);
    await expect(store.get('key')).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(requests()).toHaveLength(1);
  });

  test('nothing secret or signed is in the error, its cause, or their fields', async () => {
    const signed =
      '<StringToSign>AWS4-HMAC the-signed-text</StringToSign><SignatureProvided>abcdef</SignatureProvided>';
    const store = await storeWith([failing(403, 'SignatureDoesNotMatch', signed)]);
    const error: unknown = await store.get('key').catch((reason: unknown) => reason);
    const { inspect } = await import('node:util');
    const everything = inspect(error, { depth: 20, showHidden: true });
    expect(everything).toContain('SignatureDoesNotMatch');
    expect(everything).not.toMatch(/very-secret|the-signed-text|abcdef|AKIDEXAMPLE|Credential=/);
  });

  test('a conflict between conditional writes is tried again before it counts as lost', async () => {
    const store = await storeWith([failing(409, 'ConditionalRequestConflict')]);
    await expect(store.put('key', new Uint8Array(1), { ifAbsent: true })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    });
    expect(requests().filter((line) => line.startsWith('PUT'))).toHaveLength(4);
  });
});

test('a write whose answer has no entity tag is asked for it', async () => {
  const store = await storeWith([answering({}, ''), answering({ etag: '"made"' }, '')]);
  await expect(store.put('key', new Uint8Array(3))).resolves.toMatchObject({ etag: 'made' });
  expect(requests()).toEqual(['PUT /bucket/key', 'HEAD /bucket/key']);
});

describe('a write whose answer got lost', () => {
  test('is not beaten by itself', async () => {
    const store = await storeWith([
      hangingUp,
      failing(412, 'PreconditionFailed'),
      (response) => {
        const mark = String(fixture?.seen[0]?.headers['x-amz-meta-sluice-write']);
        response.writeHead(200, { etag: '"mine"', 'x-amz-meta-sluice-write': mark }).end();
      },
    ]);
    await expect(store.put('key', new Uint8Array(3), { ifAbsent: true })).resolves.toMatchObject({ etag: 'mine' });
    expect(requests()).toEqual(['PUT /bucket/key', 'PUT /bucket/key', 'HEAD /bucket/key']);
  });

  test('is still beaten by another', async () => {
    const other = answering({ etag: '"theirs"', 'x-amz-meta-sluice-write': 'another' });
    const store = await storeWith([hangingUp, failing(412, 'PreconditionFailed'), other]);
    await expect(store.put('key', new Uint8Array(3), { ifAbsent: true })).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
    });
  });
});

describe('a body that breaks off', () => {
  test('is taken up where it broke, of the same version', async () => {
    const store = await storeWith([half, rest]);
    expect(textOf(await store.get('key'))).toBe('0123456789');
    expect(fixture?.seen[1]?.headers).toMatchObject({ range: 'bytes=4-9', 'if-match': '"v1"' });
  });

  test('is taken up within the range that was asked for', async () => {
    const partial: Answer = (response) => {
      response.writeHead(206, { etag: '"v1"', 'content-length': '6', 'content-range': 'bytes 100-105/900' });
      response.write('ab', () => response.destroy());
    };
    const end = (response: Parameters<Answer>[0]) => {
      response
        .writeHead(206, { etag: '"v1"', 'content-length': '4', 'content-range': 'bytes 102-105/900' })
        .end('cdef');
    };
    const store = await storeWith([partial, end]);
    expect(textOf(await store.get('key', { range: { start: 100, end: 105 } }))).toBe('abcdef');
    expect(fixture?.seen[1]?.headers.range).toBe('bytes=102-105');
  });

  test('and falls silent is taken up as well', async () => {
    const stalling: Answer = (response) => {
      response.writeHead(200, { etag: '"v1"', 'content-length': '10' });
      response.write('0123');
    };
    const store = await storeWith([stalling, rest], { idleTimeoutMs: 100 });
    expect(textOf(await store.get('key'))).toBe('0123456789');
  });

  test('of an object that was replaced meanwhile is no mixture of both', async () => {
    const store = await storeWith([half, failing(412, 'PreconditionFailed')]);
    const { chunks } = await store.getStream('key');
    await expect(drain(chunks)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/changed/),
    });
  });

  test('is never put together from a server that knows no ranges', async () => {
    const whole = answering({ etag: '"v1"', 'content-length': '10' }, '0123456789');
    const store = await storeWith([half, whole]);
    const notTheRange = { code: 'PROTOCOL', message: expect.stringMatching(/bytes 4 to 9/) };
    await expect(store.get('key')).rejects.toMatchObject(notTheRange);
  });

  test('as a whole stands for a range only where it is the range', async () => {
    const store = await storeWith([answering({ etag: '"v1"', 'content-length': '10' }, '0123456789')]);
    await expect(store.get('key', { range: { start: 2, end: 3 } })).rejects.toMatchObject({ code: 'PROTOCOL' });
    await expect(store.get('key', { range: { start: 0, end: 3 } })).rejects.toMatchObject({ code: 'PROTOCOL' });
    expect(textOf(await store.get('key', { range: { start: 0, end: 99 } }))).toBe('0123456789');
  });

  test('again and again without a byte more is given up', async () => {
    const nothing: Answer = (response) => {
      response.writeHead(206, { etag: '"v1"', 'content-length': '6', 'content-range': 'bytes 4-9/10' });
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
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32('hello'));
  const announced = { etag: '"v1"', 'content-length': '5', 'x-amz-checksum-crc32': checksum.toString('base64') };

  test('is read again when nothing was given away yet', async () => {
    const store = await storeWith([answering(announced, 'hellO'), answering(announced, 'hello')]);
    expect(textOf(await store.get('key'))).toBe('hello');
  });

  test('fails a stream before its last chunk', async () => {
    const store = await storeWith([answering(announced, 'hellO')]);
    const { chunks } = await store.getStream('key');
    const given: Uint8Array[] = [];
    await expect(drain(chunks, given)).rejects.toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(given).toEqual([]);
  });

  test('is noticed when it came in two answers too', async () => {
    const first: Answer = (response) => {
      response.writeHead(200, announced);
      response.write('he', () => response.destroy());
    };
    const second: Answer = (response) => {
      response.writeHead(206, { etag: '"v1"', 'content-length': '3', 'content-range': 'bytes 2-4/5' }).end('LLO');
    };
    const store = await storeWith([first, second]);
    const { chunks } = await store.getStream('key');
    const given: Uint8Array[] = [];
    await expect(drain(chunks, given)).rejects.toMatchObject({
      code: 'TRANSFER_FAILED',
      message: expect.stringMatching(/CRC32/),
    });
    expect(given.map(textOf)).toEqual(['he']);
  });
});

test('an upload that failed is ended until there is none: a part on its way may outlive the first time', async () => {
  const begun = answering({}, '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
  const ended: Answer = (response) => void response.writeHead(204).end();
  const script = [begun, failing(403, 'AccessDenied'), ended, ended, failing(404, 'NoSuchUpload')];
  const store = await storeWith(script, { concurrency: 1 });
  const upload = store.putParts('key', 2 * 8 * 1024 * 1024, async ({ start, end }) => new Uint8Array(end - start + 1));
  await expect(upload).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(fixture?.seen.map(({ method }) => method)).toEqual(['POST', 'PUT', 'DELETE', 'DELETE', 'DELETE']);
});

describe('many objects', () => {
  test('keys that could not be deleted are named, with the reason', async () => {
    const errors = ['a', 'b'].map(
      (key) => `<Error><Key>${key}</Key><Code>AccessDenied</Code><Message>no</Message></Error>`,
    );
    const store = await storeWith([answering({}, `<DeleteResult>${errors.join('')}</DeleteResult>`)]);
    await expect(store.deleteMany(['a', 'b', 'c'])).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/s3:\/\/bucket\/a.*also "b"/s),
    });
  });

  test('two thousand and one keys take three requests', async () => {
    const store = await storeWith([answering({}, '<DeleteResult></DeleteResult>')]);
    await store.deleteMany(Array.from({ length: 2_001 }, (_, index) => `key-${index}`));
    expect(requests()).toHaveLength(3);
  });

  test('a key that XML cannot carry is deleted on its own', async () => {
    const store = await storeWith([(response) => void response.writeHead(204).end()]);
    await store.deleteMany(['bell\u0007']);
    expect(requests()).toEqual(['DELETE /bucket/bell%07']);
  });

  test('keys in listings are decoded as forms are', async () => {
    const page =
      '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a+b%2Bc/%F0%9F%98%80</Key><Size>1</Size><ETag>"e"</ETag></Contents></ListBucketResult>';
    const store = await storeWith([answering({}, page)]);
    const keys: string[] = [];
    for await (const { key } of store.listAfter('')) keys.push(key);
    expect(keys).toEqual(['a b+c/😀']);
  });

  test('no more requests are open at a time than the concurrency', async () => {
    let open = 0;
    let most = 0;
    const slow: Answer = (response) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        response.writeHead(200, { etag: '"v1"', 'content-length': '5' }).end('hello');
      }, 5);
    };
    const store = await storeWith([slow], { concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, () => store.get('key')));
    expect(most).toBe(3);
  });
});

async function drain(chunks: AsyncIterable<Uint8Array>, given: Uint8Array[] = []): Promise<void> {
  for await (const chunk of chunks) given.push(chunk);
}
