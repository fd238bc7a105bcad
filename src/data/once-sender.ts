import { SluiceError } from '../errors.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { contentHash } from './content-hash.js';
import { localIdentity } from './local-file.js';
import { uploadFile } from './objects/upload-file.js';

/** Uploads local files under their content's hash, each content once. */
export interface OnceSender {
  /** Resolves with the key of the object that has the file's content as it is now. */
  keyOf(path: string): Promise<string>;
  /** Resolves once nothing is under way any more. */
  settled(): Promise<void>;
}

/** An {@link OnceSender} that puts its objects under `prefix` until `signal` aborts. */
export function createOnceSender(store: ObjectStore, prefix: string, signal: AbortSignal): OnceSender {
  // Both remember promises, so that concurrent senders share one reading and one upload.
  const byPath = new Map<string, { readonly tag: string; readonly key: Promise<string> }>();
  const byHash = new Map<string, Promise<string>>();

  const upload = (path: string, hash: string, tag: string): Promise<string> => {
    const key = prefix + hash;
    const started = byHash.get(hash) ?? uploadUnchanged(store, key, { path, tag, signal });
    byHash.set(hash, started);
    // A failure is not remembered: the next sender tries anew.
    started.catch(() => byHash.delete(hash));
    return started;
  };

  return {
    async keyOf(path) {
      signal.throwIfAborted();
      const { tag } = await localIdentity(path);
      const known = byPath.get(path);
      if (known?.tag === tag) return known.key;
      const key = contentHash(path, signal).then((hash) => upload(path, hash, tag));
      byPath.set(path, { tag, key });
      key.catch(() => {
        if (byPath.get(path)?.key === key) byPath.delete(path);
      });
      return key;
    },
    async settled() {
      await Promise.allSettled([...byPath.values()].map(({ key }) => key));
      await Promise.allSettled(byHash.values());
    },
  };
}

// The content was hashed before: an object must never bear the hash of another content.
async function uploadUnchanged(
  store: ObjectStore,
  key: string,
  { path, tag, signal }: { readonly path: string; readonly tag: string; readonly signal: AbortSignal },
): Promise<string> {
  await uploadFile(store, key, { path, signal });
  if ((await localIdentity(path)).tag === tag) return key;
  await store.deleteMany([key]);
  throw new SluiceError('TRANSFER_FAILED', `${path} changed while it was being sent: it is still being written`);
}
