import type { ObjectStore } from '../../object-store/object-store.js';
import { type DataFile, parseObjectUrl } from '../data-file.js';
import type { Staging } from '../staging.js';
import { downloadObject } from './download-object.js';
import { uploadFile } from './upload-file.js';

/** Gives the store of a bucket, the same one each time it is asked; it belongs to the giver, who closes it. */
export type OpenStore = (bucket: string) => ObjectStore | Promise<ObjectStore>;

/** What an object store's staging is made of. */
export interface ObjectStagingOptions {
  /** Scheme of the URLs, and name of the staging. */
  readonly scheme: 's3' | 'gs';
  readonly openStore: OpenStore;
}

/** Staging between an object store and the worker's disk. */
export function createObjectStaging({ scheme, openStore }: ObjectStagingOptions): Staging {
  const locate = async (file: DataFile) => {
    const { bucket, key } = parseObjectUrl(file.url);
    return { store: await openStore(bucket), key };
  };
  const isOurs = (file: DataFile) => file.scheme === scheme;
  return {
    name: scheme,
    schemes: [scheme],
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, { suggestedPath, signal }) {
      const { store, key } = await locate(file);
      await downloadObject(store, key, { path: suggestedPath, signal });
      return suggestedPath;
    },
    async stageOut(file, source) {
      const { store, key } = await locate(file);
      const { etag, size } = await uploadFile(store, key, source);
      return { tag: etag, size };
    },
    async identity(file, signal) {
      const { store, key } = await locate(file);
      const found = await store.head(key, signal && { signal });
      return found && { tag: found.etag, size: found.size };
    },
    close: async () => undefined,
  };
}
