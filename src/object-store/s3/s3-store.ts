import { SluiceError } from '../../errors.js';
import type { GetOptions, ObjectStore } from '../object-store.js';
import { retrying } from '../retry-policy.js';
import { deleteObjects, headObject, listObjects } from './s3-keys.js';
import { putObjectParts } from './s3-multipart.js';
import { resolveS3StoreOptions, type S3StoreOptions } from './s3-options.js';
import { createS3Presigner } from './s3-presign.js';
import { readObject } from './s3-read.js';
import { createS3Requests, type S3Requests } from './s3-requests.js';
import { putObject } from './s3-write.js';

/**
 * One bucket of Amazon S3, or of a server that speaks its protocol. Does no I/O, and does not load the SDK, before the
 * first request.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const resolved = resolveS3StoreOptions(options);
  const requests = createS3Requests(resolved);
  const presigner = createS3Presigner(resolved);
  return {
    url: `s3://${resolved.bucket}`,
    get: (key, getOptions = {}) => readWhole(requests, key, getOptions),
    getStream: (key, getOptions = {}) => readObject(requests, key, getOptions),
    put: (key, body, putOptions = {}) => putObject(requests, key, body, putOptions),
    putParts: (key, size, read, putOptions = {}) => putObjectParts(requests, key, size, read, putOptions),
    head: (key, { signal } = {}) => headObject(requests, key, signal),
    listAfter: (prefix, listOptions = {}) => listObjects(requests, prefix, listOptions),
    deleteMany: (keys, { signal } = {}) => deleteObjects(requests, keys, signal),
    presign: presigner.presign,
    close: async () => {
      await Promise.all([requests.close(), presigner.close()]);
    },
  };
}

function readWhole(requests: S3Requests, key: string, options: GetOptions): Promise<Uint8Array> {
  const read = async (signal: AbortSignal) => {
    const { chunks } = await readObject(requests, key, { ...options, signal });
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const [first = new Uint8Array()] = parts;
    return parts.length <= 1 ? first : Buffer.concat(parts);
  };
  return retrying(read, {
    policy: requests.options.retry,
    // Nothing was given away yet, so bytes that came out wrong can be read again.
    isTransient: (error) => error instanceof SluiceError && error.code === 'TRANSFER_FAILED',
    what: `read s3://${requests.options.bucket}/${key}`,
    signal: options.signal,
  });
}
