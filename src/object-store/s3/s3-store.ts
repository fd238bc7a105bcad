import type { ObjectStore } from '../object-store.js';
import { readWhole } from '../read-whole.js';
import { deleteObjects, headObject, listObjects } from './s3-keys.js';
import { putObjectParts } from './s3-multipart.js';
import { resolveS3StoreOptions, type S3StoreOptions } from './s3-options.js';
import { createS3Presigner } from './s3-presign.js';
import { readObject } from './s3-read.js';
import { createS3Requests } from './s3-requests.js';
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
  const presigner = createS3Presigner(resolved, requests.region);
  const getStream: ObjectStore['getStream'] = (key, getOptions = {}) => readObject(requests, key, getOptions);
  return {
    url: `s3://${resolved.bucket}`,
    get: (key, getOptions = {}) =>
      readWhole((asked) => getStream(key, asked), getOptions, {
        name: `s3://${resolved.bucket}/${key}`,
        retry: resolved.retry,
      }),
    getStream,
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
