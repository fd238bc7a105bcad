import { createHash } from 'node:crypto';
import { SluiceError } from '../../errors.js';
import { checkKey, checkRange } from '../check-request.js';
import type { ByteRange, GetOptions, ObjectInfo, ObjectStore, PutOptions } from '../object-store.js';
import { planParts } from '../part-plan.js';
import { readPart } from '../read-part.js';
import { runParallel } from '../run-parallel.js';
import { createBearerServer } from './bearer-server.js';

/** A bucket in this process's memory, with the promises of {@link ObjectStore}: for tests, and to hold others against. */
export function createMemoryStore({ bucket }: { readonly bucket: string }): ObjectStore {
  const objects: Objects = new Map();
  const url = `mem://${bucket}`;
  const read = (key: string, options: GetOptions) => {
    checkKey(`read ${url}`, key);
    checkRange(`read ${url}/${key}`, options.range);
    return readStored(objects, `${url}/${key}`, key, options);
  };
  const put: ObjectStore['put'] = async (key, body, options = {}) => {
    options.signal?.throwIfAborted();
    checkKey(`write ${url}`, key);
    return writeStored(objects, `${url}/${key}`, key, Uint8Array.from(body), options);
  };
  const bearers = createBearerServer({
    get: async (key) => objects.get(key)?.body,
    put: async (key, body) => void (await put(key, body)),
  });
  return {
    url,
    get: async (key, options = {}) => Uint8Array.from(read(key, options).bytes),
    getStream: async (key, options = {}) => {
      const { info, bytes } = read(key, options);
      return { info, chunks: chunksOf(bytes, options.signal) };
    },
    put,
    putParts: async (key, size, readPart, options = {}) => {
      checkKey(`write ${url}`, key);
      const body = await gather(`${url}/${key}`, size, readPart, options.signal);
      return writeStored(objects, `${url}/${key}`, key, body, options);
    },
    head: async (key, { signal } = {}) => {
      signal?.throwIfAborted();
      checkKey(`look up ${url}`, key);
      return objects.get(key)?.info;
    },
    listAfter: (prefix, options = {}) => list(objects, prefix, options),
    deleteMany: async (keys, { signal } = {}) => {
      signal?.throwIfAborted();
      for (const key of keys) checkKey(`delete from ${url}`, key);
      for (const key of keys) objects.delete(key);
    },
    presign: async (key, options) => {
      checkKey(`presign ${url}`, key);
      return bearers.presign(key, options);
    },
    close: () => bearers.close(),
  };
}

type Objects = Map<string, { readonly info: ObjectInfo; readonly body: Uint8Array }>;

/** What a network would give at once. */
const CHUNK_BYTES = 64 * 1024;
const PARALLEL_PARTS = 4;

function readStored(
  objects: Objects,
  name: string,
  key: string,
  { range, ifMatch, signal }: GetOptions,
): { readonly info: ObjectInfo; readonly bytes: Uint8Array } {
  signal?.throwIfAborted();
  const found = objects.get(key);
  if (found === undefined) throw new SluiceError('NOT_FOUND', `read ${name}: there is no such object`);
  const { info, body } = found;
  if (ifMatch !== undefined && ifMatch !== info.etag) throw inAnotherState('read', name);
  if (range === undefined) return { info, bytes: body };
  if (range.start >= info.size) {
    throw new SluiceError('INVALID_OPTIONS', `read ${name}: the range starts behind the end of the object`);
  }
  return { info, bytes: body.subarray(range.start, range.end + 1) };
}

function writeStored(objects: Objects, name: string, key: string, body: Uint8Array, options: PutOptions): ObjectInfo {
  const there = objects.get(key)?.info.etag;
  if (options.ifAbsent && there !== undefined) throw inAnotherState('write', name);
  if (options.ifMatch !== undefined && options.ifMatch !== there) throw inAnotherState('write', name);
  const etag = createHash('md5').update(body).digest('hex');
  const info = { key, size: body.length, etag, lastModifiedMs: Date.now() };
  objects.set(key, { info, body });
  return info;
}

async function gather(
  name: string,
  size: number,
  read: (range: ByteRange) => Promise<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const body = new Uint8Array(size);
  await runParallel(planParts(size), { limit: PARALLEL_PARTS, signal }, async (range) => {
    body.set(await readPart(name, range, read), range.start);
  });
  return body;
}

async function* list(
  objects: Objects,
  prefix: string,
  { startAfter = '', signal }: { readonly startAfter?: string; readonly signal?: AbortSignal },
): AsyncGenerator<ObjectInfo, void, undefined> {
  const after = Buffer.from(startAfter);
  const keys = [...objects.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .filter(({ bytes }) => Buffer.compare(bytes, after) > 0)
    .sort((left, right) => Buffer.compare(left.bytes, right.bytes));
  for (const { key } of keys) {
    signal?.throwIfAborted();
    const found = objects.get(key);
    if (found !== undefined) yield found.info;
  }
}

async function* chunksOf(bytes: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    signal?.throwIfAborted();
    yield bytes.slice(start, start + CHUNK_BYTES);
  }
}

function inAnotherState(action: string, name: string): SluiceError {
  return new SluiceError('PRECONDITION_FAILED', `${action} ${name}: the object is not in the state the request named`);
}
