import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { ObjectInfo, ObjectStore } from '../object-store/object-store.js';
import type { TestApi } from './test-api.js';

/** What the suite tests: a store over an empty bucket of its own. */
export interface ObjectStoreFixture {
  readonly store: ObjectStore;
  /** A store over a bucket that does not exist, where the backend knows such a thing. */
  readonly missingBucket?: ObjectStore;
  /** Uploads begun and not ended, where the backend can count them. */
  readonly openUploads?: () => Promise<number>;
  /** A stand-in's known gap: it takes uploads in parts whatever version they name. The suite asserts that it does. */
  readonly ignoresVersionOfParts?: true;
  close(): Promise<void>;
}

/**
 * Holds an {@link ObjectStore} to its contract. `create` is called once a test and its fixture closed whatever happens.
 */
export function objectStoreSuite(api: TestApi, name: string, create: () => Promise<ObjectStoreFixture>): void {
  const check = (title: string, body: (fixture: ObjectStoreFixture) => Promise<void>) =>
    api.test(title, async () => {
      const fixture = await create();
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    });
  api.describe(`object store conformance: ${name}`, () => {
    roundTrips(check);
    conditions(check);
    listing(check);
    largeObjects(check);
    errorsAndAborts(check);
    bearers(check);
  });
}

type Check = (title: string, body: (fixture: ObjectStoreFixture) => Promise<void>) => unknown;

const MEBIBYTE = 1024 * 1024;

/** Keys that XML, URLs, paths or forms could spoil. */
const ODD_KEYS = [
  'a b/c d.txt',
  'percent%2Fslash%20',
  'plus+plus',
  'ünïcødé-日本-😀',
  'dots/../kept/./so',
  `quotes"'and<&>`,
  'tail/',
  'question?mark#hash;semi=colon&amp;',
  'back\\slash:colon@at',
] as const;

function roundTrips(check: Check): void {
  check('an object of no bytes comes back', async ({ store }) => {
    const written = await store.put('empty', new Uint8Array());
    assert.equal(written.size, 0);
    assert.equal((await store.get('empty')).length, 0);
    assert.equal((await collect(store, 'empty')).length, 0);
    assert.equal((await store.head('empty'))?.size, 0);
  });

  check('a small object comes back with the size and entity tag it was written with', async ({ store }) => {
    const written = await store.put('small', bytes('hello'), { contentType: 'text/plain' });
    assert.deepEqual(text(await store.get('small')), 'hello');
    assert.doesNotMatch(written.etag, /"/);
    const found = await store.head('small');
    assert.deepEqual([found?.key, found?.size, found?.etag], ['small', 5, written.etag]);
    const { info } = await store.getStream('small').then(drained);
    assert.deepEqual([info.key, info.size, info.etag], ['small', 5, written.etag]);
    assert.ok(Math.abs(Date.now() - info.lastModifiedMs) < 3_600_000, 'the time of writing is about now');
  });

  check('writing again replaces the content and changes the entity tag', async ({ store }) => {
    const first = await store.put('again', bytes('one'));
    const second = await store.put('again', bytes('two'));
    assert.notEqual(first.etag, second.etag);
    assert.equal(text(await store.get('again')), 'two');
  });

  check('what a caller does with its bytes afterwards changes no object', async ({ store }) => {
    const body = bytes('kept');
    await store.put('own', body);
    body.fill(0);
    (await store.get('own')).fill(0);
    assert.equal(text(await store.get('own')), 'kept');
  });

  check('keys are taken as they are', async ({ store }) => {
    for (const key of ODD_KEYS) await store.put(key, bytes(key));
    for (const key of ODD_KEYS) {
      assert.equal(text(await store.get(key)), key);
      assert.equal((await store.head(key))?.key, key);
    }
    assert.deepEqual(await keysOf(store), inByteOrder(ODD_KEYS));
    await store.deleteMany(ODD_KEYS);
    assert.deepEqual(await keysOf(store), []);
  });

  check('a range gives its bytes, both ends included, and the size of the whole', async ({ store }) => {
    await store.put('digits', bytes('0123456789'));
    assert.equal(text(await store.get('digits', { range: { start: 0, end: 0 } })), '0');
    assert.equal(text(await store.get('digits', { range: { start: 3, end: 5 } })), '345');
    assert.equal(text(await store.get('digits', { range: { start: 8, end: 99 } })), '89');
    const { info } = await store.getStream('digits', { range: { start: 1, end: 2 } }).then(drained);
    assert.equal(info.size, 10);
    await rejects(store.get('digits', { range: { start: 10, end: 12 } }), 'INVALID_OPTIONS');
  });
}

function conditions(check: Check): void {
  check('of twenty writers that want the key absent, one wins', async ({ store }) => {
    const racers = Array.from({ length: 20 }, (_, index) => `writer ${index}`);
    const results = await Promise.allSettled(racers.map((who) => store.put('lock', bytes(who), { ifAbsent: true })));
    const winners = racers.filter((_, index) => results[index]?.status === 'fulfilled');
    assert.equal(winners.length, 1);
    assert.equal(text(await store.get('lock')), winners[0]);
    for (const result of results) {
      if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'PRECONDITION_FAILED');
    }
  });

  check('a version is replaced only while it is the one named', async ({ store }) => {
    const first = await store.put('doc', bytes('one'));
    await store.put('doc', bytes('two'), { ifMatch: first.etag });
    await rejects(store.put('doc', bytes('three'), { ifMatch: first.etag }), 'PRECONDITION_FAILED');
    await rejects(store.put('nowhere', bytes('x'), { ifMatch: first.etag }), 'PRECONDITION_FAILED');
    assert.equal(text(await store.get('doc')), 'two');
    assert.equal(await store.head('nowhere'), undefined);
  });

  check('a version is read only while it is the one named', async ({ store }) => {
    const first = await store.put('doc', bytes('one'));
    assert.equal(text(await store.get('doc', { ifMatch: first.etag })), 'one');
    await store.put('doc', bytes('two'));
    await rejects(store.get('doc', { ifMatch: first.etag }), 'PRECONDITION_FAILED');
    await rejects(store.getStream('doc', { ifMatch: first.etag }), 'PRECONDITION_FAILED');
  });

  check('an upload in parts keeps to its conditions too', async (fixture) => {
    const { store, openUploads, ignoresVersionOfParts } = fixture;
    const body = randomBytes(9 * MEBIBYTE);
    const written = await store.putParts('large', body.length, partsOf(body), { ifAbsent: true });
    await rejects(store.putParts('large', body.length, partsOf(body), { ifAbsent: true }), 'PRECONDITION_FAILED');
    await store.putParts('large', body.length, partsOf(body), { ifMatch: written.etag });
    const another = store.putParts('large', body.length, partsOf(body), { ifMatch: 'another' });
    if (ignoresVersionOfParts) await another;
    else await rejects(another, 'PRECONDITION_FAILED');
    assert.equal((await openUploads?.()) ?? 0, 0);
  });
}

function listing(check: Check): void {
  check('more than a thousand objects are listed page by page, in byte order, after a key', async ({ store }) => {
    const keys = Array.from({ length: 1_005 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
    await inParallel(keys, (key) => store.put(key, bytes(key)));
    assert.deepEqual(await keysOf(store, 'many/'), keys);
    assert.deepEqual(await keysOf(store, 'many/', 'many/1002'), ['many/1003', 'many/1004']);
    assert.deepEqual(await keysOf(store, 'many/', 'many/1002+'), ['many/1003', 'many/1004']);
    await store.deleteMany([...keys, 'many/never-there']);
    assert.deepEqual(await keysOf(store), []);
  });

  check('keys are ordered by their UTF-8 bytes, not as JavaScript orders strings', async ({ store }) => {
    const keys = ['Z', 'a', 'a b', 'a+b', 'a/b', 'ä', '\u{FF5E}', '😀'];
    await inParallel(keys, (key) => store.put(key, bytes(key)));
    assert.deepEqual(await keysOf(store), inByteOrder(keys));
    assert.deepEqual(await keysOf(store, '', '\u{FF5E}'), ['😀']);
  });

  check('a prefix is text, not a folder', async ({ store }) => {
    await inParallel(['log', 'log/1', 'log/2', 'logs', 'other'], (key) => store.put(key, bytes(key)));
    assert.deepEqual(await keysOf(store, 'log'), ['log', 'log/1', 'log/2', 'logs']);
    assert.deepEqual(await keysOf(store, 'log/'), ['log/1', 'log/2']);
    assert.deepEqual(await keysOf(store, 'nothing'), []);
  });

  check('deleting no keys, or keys without objects, succeeds', async ({ store }) => {
    await store.deleteMany([]);
    await store.deleteMany(['never', 'there', 'never']);
  });
}

function largeObjects(check: Check): void {
  check('an object of 20 MiB goes up in parts and comes back whole, and in ranges', async ({ store, openUploads }) => {
    const body = randomBytes(20 * MEBIBYTE + 17);
    const written = await store.putParts('large', body.length, partsOf(body));
    assert.equal(written.size, body.length);
    assert.equal(hash(await collect(store, 'large')), hash(body));
    const range = { start: 8 * MEBIBYTE - 3, end: 8 * MEBIBYTE + 3 };
    assert.deepEqual([...(await store.get('large', { range }))], [...body.subarray(range.start, range.end + 1)]);
    assert.equal((await store.head('large'))?.etag, written.etag);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });

  check('parts may be few: none, one, or one byte', async ({ store }) => {
    for (const size of [0, 1, 8 * MEBIBYTE]) {
      const body = randomBytes(size);
      await store.putParts(`size-${size}`, size, partsOf(body));
      assert.equal(hash(await store.get(`size-${size}`)), hash(body));
    }
  });

  check('a stream gives chunks far smaller than the object', async ({ store }) => {
    await store.put('stream', randomBytes(5 * MEBIBYTE));
    const { chunks } = await store.getStream('stream');
    let largest = 0;
    for await (const chunk of chunks) largest = Math.max(largest, chunk.length);
    assert.ok(largest > 0 && largest <= MEBIBYTE, `largest chunk: ${largest} bytes`);
  });

  check('a stream left early leaves the store usable', async ({ store }) => {
    await store.put('stream', randomBytes(5 * MEBIBYTE));
    for (let round = 0; round < 3; round += 1) {
      const { chunks } = await store.getStream('stream');
      for await (const chunk of chunks) if (chunk.length > 0) break;
    }
    assert.equal((await store.get('stream')).length, 5 * MEBIBYTE);
  });

  check('an upload whose source fails leaves nothing, and fails as the source did', async ({ store, openUploads }) => {
    const failure = new Error('the disk is gone');
    const read = async ({ start, end }: { start: number; end: number }) => {
      if (start > 8 * MEBIBYTE) throw failure;
      return new Uint8Array(end - start + 1);
    };
    await assert.rejects(store.putParts('broken', 30 * MEBIBYTE, read), (error) => error === failure);
    assert.equal(await store.head('broken'), undefined);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });

  check('an upload whose source comes up short leaves nothing', async ({ store, openUploads }) => {
    const read = async () => new Uint8Array(17);
    await rejects(store.putParts('short', 9 * MEBIBYTE, read), 'TRANSFER_FAILED');
    assert.equal(await store.head('short'), undefined);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });
}

function errorsAndAborts(check: Check): void {
  check('an object that is not there is NOT_FOUND, and head gives undefined', async ({ store }) => {
    const error = await rejects(store.get('no/such key'), 'NOT_FOUND');
    assert.match(error.message, /no\/such key/);
    await rejects(store.getStream('no/such key'), 'NOT_FOUND');
    assert.equal(await store.head('no/such key'), undefined);
  });

  check('a bucket that is not there is NOT_FOUND, whatever is asked of it', async ({ missingBucket }) => {
    if (missingBucket === undefined) return;
    const bucket = missingBucket.url.slice(missingBucket.url.lastIndexOf('/') + 1);
    for (const request of [
      () => missingBucket.get('key'),
      () => missingBucket.put('key', bytes('x')),
      () => missingBucket.head('key'),
      () => missingBucket.putParts('key', 9 * MEBIBYTE, partsOf(new Uint8Array(9 * MEBIBYTE))),
      () => missingBucket.deleteMany(['key']),
      () => keysOf(missingBucket),
    ]) {
      const error = await rejects(request(), 'NOT_FOUND');
      assert.ok(error.message.includes(bucket), error.message);
    }
  });

  check('an aborted request rejects with the reason of the abort', async ({ store }) => {
    await store.put('key', bytes('x'));
    const signal = AbortSignal.abort(new Error('not wanted'));
    for (const request of [
      () => store.get('key', { signal }),
      () => store.getStream('key', { signal }),
      () => store.put('other', bytes('x'), { signal }),
      () => store.head('key', { signal }),
      () => store.deleteMany(['key'], { signal }),
      () => store.putParts('other', 9 * MEBIBYTE, partsOf(new Uint8Array(9 * MEBIBYTE)), { signal }),
      () => keysOf(store, '', undefined, signal),
    ]) {
      await assert.rejects(request(), { message: 'not wanted' });
    }
    assert.deepEqual(await keysOf(store), ['key']);
  });

  check('aborting a stream half read rejects with the reason of the abort', async ({ store }) => {
    await store.put('stream', randomBytes(5 * MEBIBYTE));
    const stop = new AbortController();
    const { chunks } = await store.getStream('stream', { signal: stop.signal });
    await assert.rejects(
      async () => {
        for await (const chunk of chunks) if (chunk.length > 0) stop.abort(new Error('half is enough'));
      },
      { message: 'half is enough' },
    );
  });

  check('aborting a running upload leaves nothing', async ({ store, openUploads }) => {
    const stop = new AbortController();
    const read = async ({ start, end }: { start: number; end: number }) => {
      if (start > 8 * MEBIBYTE) stop.abort(new Error('enough'));
      return new Uint8Array(end - start + 1);
    };
    const upload = store.putParts('stopped', 40 * MEBIBYTE, read, { signal: stop.signal });
    await assert.rejects(upload, { message: 'enough' });
    assert.equal(await store.head('stopped'), undefined);
    assert.equal((await openUploads?.()) ?? 0, 0);
  });
}

function bearers(check: Check): void {
  check('a presigned URL reads one object without credentials', async ({ store }) => {
    await store.put('shared/a b+c.txt', bytes('for all'));
    const url = await store.presign('shared/a b+c.txt', { method: 'GET', expiresInSeconds: 60 });
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.equal(await response.text(), 'for all');
  });

  check('a presigned URL writes one object without credentials', async ({ store }) => {
    const url = await store.presign('dropped/a b+c.txt', { method: 'PUT', expiresInSeconds: 60 });
    const response = await fetch(url, { method: 'PUT', body: 'from outside' });
    assert.equal(response.status, 200);
    assert.equal(text(await store.get('dropped/a b+c.txt')), 'from outside');
  });

  check('a URL cannot be valid for no time', async ({ store }) => {
    await rejects(store.presign('key', { method: 'GET', expiresInSeconds: 0 }), 'INVALID_OPTIONS');
  });
}

async function rejects(promise: Promise<unknown>, code: string): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error, `expected ${code}, but it succeeded`);
  assert.equal(codeOf(error), code, error.message);
  return error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

async function collect(store: ObjectStore, key: string): Promise<Uint8Array> {
  const { chunks } = await store.getStream(key);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function drained(opened: Awaited<ReturnType<ObjectStore['getStream']>>): Promise<{ readonly info: ObjectInfo }> {
  for await (const chunk of opened.chunks) assert.ok(chunk.length >= 0);
  return opened;
}

async function keysOf(store: ObjectStore, prefix = '', startAfter?: string, signal?: AbortSignal): Promise<string[]> {
  const keys: string[] = [];
  const options = { ...(startAfter === undefined ? {} : { startAfter }), ...(signal && { signal }) };
  for await (const { key } of store.listAfter(prefix, options)) keys.push(key);
  return keys;
}

async function inParallel(keys: readonly string[], task: (key: string) => Promise<unknown>): Promise<void> {
  const queue = keys.values();
  const lane = async () => {
    for (const key of queue) await task(key);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

function partsOf(body: Uint8Array): (range: { start: number; end: number }) => Promise<Uint8Array> {
  return async ({ start, end }) => body.subarray(start, end + 1);
}

function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

function hash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
