import { untilAborted } from '../data/until-aborted.js';
import { SluiceError } from '../errors.js';
import type { ObjectStore } from '../object-store/object-store.js';
import type { AppCode, CodeBundle, TaskEnvelope } from '../wire/task-envelope.js';

/** Bundles above this travel by the bucket: a worker then fetches one once, and no invocation carries it. */
const INLINE_BUNDLE_BYTES = 64 * 1024;

/** Puts the bundles of apps into the run's part of the bucket, each once. */
export interface CodeUpload {
  /**
   * The envelope as it is to be sent: a bundle is a reference in it, and one code the same object each time. Rejects as a
   * store's `put` does, and with `signal.reason`.
   */
  send(envelope: TaskEnvelope, signal: AbortSignal): Promise<TaskEnvelope>;
  /** Stops what is under way, and resolves when nothing is. */
  close(): Promise<void>;
}

/** Whether the envelope's code is worth an object of its own. */
export function hasLargeBundle({ app: { bundle }, storage }: TaskEnvelope): boolean {
  return isLarge(bundle) || storage?.bundles.some(isLarge) === true;
}

function isLarge(bundle: CodeBundle | undefined): boolean {
  return bundle?.kind === 'inline' && bundle.text.length > INLINE_BUNDLE_BYTES;
}

/** A {@link CodeUpload} that puts its objects under `prefix`. */
export function createCodeUpload(store: ObjectStore, prefix: string): CodeUpload {
  const uploads = new Map<string, Promise<string>>();
  const references = new WeakMap<AppCode, AppCode>();
  const closing = new AbortController();

  const upload = (hash: string, text: string): Promise<string> => {
    const started = uploads.get(hash) ?? putOnce(store, `${prefix}/code/${hash}.mjs`, text, closing.signal);
    uploads.set(hash, started);
    // A failure is not remembered: the next task tries anew.
    started.catch(() => uploads.delete(hash));
    return started;
  };

  const refer = async (bundle: CodeBundle, signal: AbortSignal): Promise<CodeBundle> => {
    if (bundle.kind !== 'inline') return bundle;
    const { hash, text } = bundle;
    return { kind: 'reference', hash, url: await untilAborted(upload(hash, text), signal) };
  };

  return {
    async send(envelope, signal) {
      const { app, storage } = envelope;
      const bundle = app.bundle && (await refer(app.bundle, signal));
      const reference =
        references.get(app) ?? (bundle === app.bundle || bundle === undefined ? app : { ...app, bundle });
      references.set(app, reference);
      if (storage === undefined || !storage.bundles.some(isLarge)) return { ...envelope, app: reference };
      const bundles = await Promise.all(storage.bundles.map((one) => refer(one, signal)));
      return { ...envelope, app: reference, storage: { ...storage, bundles } };
    },
    async close() {
      closing.abort(new SluiceError('CANCELLED', 'the run is closed: its code is not sent any more'));
      await Promise.allSettled(uploads.values());
    },
  };
}

async function putOnce(store: ObjectStore, key: string, text: string, signal: AbortSignal): Promise<string> {
  try {
    await store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'text/javascript', signal });
  } catch (error) {
    // The key is the content's hash: whoever was first has put the same.
    if (!(error instanceof SluiceError && error.code === 'PRECONDITION_FAILED')) throw error;
  }
  return `${store.url}/${key}`;
}
