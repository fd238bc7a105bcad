import type { ObjectStore } from '../object-store.js';
import { readWhole } from '../read-whole.js';
import { deleteObjects, headObject, listObjects } from './gcs-keys.js';
import { type GcsStoreOptions, resolveGcsStoreOptions } from './gcs-options.js';
import { presignObject } from './gcs-presign.js';
import { readObject } from './gcs-read.js';
import { createGcsRequests } from './gcs-requests.js';
import { putResumable } from './gcs-resumable.js';
import { putObject } from './gcs-write.js';

/**
 * One bucket of Google Cloud Storage, or of a server that speaks its JSON API. Entity tags are generations. Does no
 * I/O, and does not load the SDK, before the first request.
 *
 * @throws {SluiceError} `INVALID_OPTIONS`
 */
export function createGcsStore(options: GcsStoreOptions): ObjectStore {
  const resolved = resolveGcsStoreOptions(options);
  const requests = createGcsRequests(resolved);
  const getStream: ObjectStore['getStream'] = (key, getOptions = {}) => readObject(requests, key, getOptions);
  return {
    url: `gs://${resolved.bucket}`,
    get: (key, getOptions = {}) =>
      readWhole((asked) => getStream(key, asked), getOptions, {
        name: `gs://${resolved.bucket}/${key}`,
        retry: resolved.retry,
      }),
    getStream,
    put: (key, body, putOptions = {}) => putObject(requests, key, body, putOptions),
    putParts: (key, size, read, putOptions = {}) => putResumable(requests, key, size, read, putOptions),
    head: (key, { signal } = {}) => headObject(requests, key, signal),
    listAfter: (prefix, listOptions = {}) => listObjects(requests, prefix, listOptions),
    deleteMany: (keys, { signal } = {}) => deleteObjects(requests, keys, signal),
    presign: (key, presignOptions) => presignObject(requests, key, presignOptions),
    close: () => requests.close(),
  };
}
