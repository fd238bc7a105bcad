import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ObjectStore } from '../object-store/object-store.js';
import { runParallel } from '../object-store/run-parallel.js';
import { DataFile } from './data-file.js';
import { bringFolder, relativeName } from './folder-transfer.js';
import { listFolder } from './local/local-listing.js';
import { downloadObject } from './objects/download-object.js';
import { uploadFile } from './objects/upload-file.js';
import type { ListedFile } from './staging.js';

/** Uploads local folders, each state of one once. */
export interface FolderSender {
  /** Resolves with the prefix, ending in `/`, below which the objects of the folder's files are, as they are now. */
  keyOf(path: string): Promise<string>;
  /** Resolves once nothing is under way any more. */
  settled(): Promise<void>;
}

const PARALLEL_FILES = 8;

/** A {@link FolderSender} that puts its objects under `prefix` until `signal` aborts. */
export function createFolderSender(store: ObjectStore, prefix: string, signal: AbortSignal): FolderSender {
  const sent = new Map<string, Promise<void>>();
  return {
    async keyOf(path) {
      const folder = new DataFile(pathToFileURL(join(path, '/')));
      const tags = new Map<string, string>();
      for await (const { file, identity } of listFolder(path, signal)) {
        tags.set(relativeName(folder, file), identity.tag);
      }
      const names = [...tags.keys()].sort();
      const hash = createHash('sha256').update(folder.url);
      for (const name of names) hash.update(JSON.stringify([name, tags.get(name)]));
      const key = `${prefix}${hash.digest('hex')}/`;
      const upload =
        sent.get(key) ??
        runParallel(names, { limit: PARALLEL_FILES, signal }, async (name, stop) => {
          await uploadFile(store, key + name, { path: join(path, name), signal: stop });
        }).then(() => undefined);
      sent.set(key, upload);
      // A failure is not remembered: the next one tries anew.
      upload.catch(() => sent.delete(key));
      await upload;
      return key;
    },
    async settled() {
      await Promise.allSettled(sent.values());
    },
  };
}

/** Brings the objects under a prefix that ends in `/` to a local folder. */
export async function receiveFolder(
  store: ObjectStore,
  prefix: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const folder = new DataFile(`${store.url}/${prefix}`);
  await bringFolder(folder, listed(store, prefix, signal), {
    path,
    signal,
    bring: ({ file, identity }, place, stop) =>
      downloadObject(store, file.url.slice(store.url.length + 1), {
        path: place,
        signal: stop,
        etag: identity.tag,
        durable: true,
      }),
  });
}

async function* listed(store: ObjectStore, prefix: string, signal: AbortSignal): AsyncGenerator<ListedFile> {
  for await (const { key, etag, size } of store.listAfter(prefix, { signal })) {
    yield { file: new DataFile(`${store.url}/${key}`), identity: { tag: etag, size } };
  }
}
