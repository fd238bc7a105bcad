import type { ObjectInfo, ObjectStore } from '../../object-store/object-store.js';
import { DataFile, parseObjectFolder, parseObjectUrl } from '../data-file.js';
import type { FileIdentity, Staging } from '../staging.js';
import { downloadObject } from './download-object.js';
import { findObjects } from './find-objects.js';
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
  const urlOf = (bucket: string, { key }: ObjectInfo) => `${scheme}://${bucket}/${key}`;
  return {
    name: scheme,
    schemes: [scheme],
    capabilities: { stageOut: true, list: true, remove: true, identity: 'content' },
    canStageIn: isOurs,
    canStageOut: isOurs,
    async stageIn(file, { suggestedPath, signal, identity, onProgress }) {
      const { store, key } = await locate(file);
      await downloadObject(store, key, { path: suggestedPath, signal, etag: identity?.tag, onProgress });
      return suggestedPath;
    },
    async stageOut(file, source) {
      const { store, key } = await locate(file);
      return identityOf(await uploadFile(store, key, source));
    },
    async identity(file, signal) {
      const { store, key } = await locate(file);
      const found = await store.head(key, signal && { signal });
      return found && identityOf(found);
    },
    async identities(files, signal) {
      const found = new Map<string, FileIdentity>();
      for (const [bucket, keys] of keysByBucket(files)) {
        const store = await openStore(bucket);
        for await (const info of findObjects(store, keys, signal)) found.set(urlOf(bucket, info), identityOf(info));
      }
      return found;
    },
    async *list({ url }, signal, startsWith = '') {
      const { bucket, prefix } = parseObjectFolder(url);
      const store = await openStore(bucket);
      for await (const info of store.listAfter(prefix + startsWith, { signal })) {
        // An object whose key ends so stands for an empty folder, as consoles make it.
        if (!info.key.endsWith('/')) yield { file: new DataFile(urlOf(bucket, info)), identity: identityOf(info) };
      }
    },
    async remove(files, signal) {
      for (const [bucket, keys] of keysByBucket(files)) {
        const store = await openStore(bucket);
        await store.deleteMany(keys, { signal });
      }
    },
    close: async () => undefined,
  };
}

function identityOf({ etag, size }: ObjectInfo): FileIdentity {
  return { tag: etag, size };
}

function keysByBucket(files: readonly DataFile[]): ReadonlyMap<string, readonly string[]> {
  const buckets = new Map<string, string[]>();
  for (const { url } of files) {
    const { bucket, key } = parseObjectUrl(url);
    const keys = buckets.get(bucket) ?? [];
    buckets.set(bucket, keys);
    keys.push(key);
  }
  return buckets;
}
