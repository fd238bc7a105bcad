import { fileURLToPath } from 'node:url';
import { SluiceError } from '../errors.js';
import type { ObjectStore } from '../object-store/object-store.js';
import { runParallel } from '../object-store/run-parallel.js';
import { DataFile, parseObjectUrl } from './data-file.js';
import { createFolderSender, receiveFolder } from './folder-sender.js';
import { localName, shortHash } from './local-name.js';
import { downloadObject } from './objects/download-object.js';
import { createOnceSender } from './once-sender.js';
import { untilAborted } from './until-aborted.js';

/** URLs of objects that stand for local files, by the files' URLs. */
export type RelayRecord = Readonly<Record<string, string>>;

/** Carries `file:` URLs between the client's disk and workers that do not see it, through a bucket. */
export interface FileRelay {
  /**
   * Uploads local files and resolves with their objects' URLs; a content goes up once in the relay's life, however
   * often and under whatever names it is sent. URLs of other schemes are left out. `NOT_FOUND` names a missing file.
   */
  send(fileUrls: readonly string[], options?: RelayOptions): Promise<RelayRecord>;
  /** Where an attempt puts its outputs, for {@link receive}; no I/O. URLs of other schemes are left out. */
  outputsFor(fileUrls: readonly string[], attemptName: string): RelayRecord;
  /** Brings an attempt's outputs to their local paths, each whole or not at all, and deletes their objects. */
  receive(record: RelayRecord, options?: RelayOptions): Promise<void>;
  /** Stops what is under way and deletes everything under the relay's prefix. The store stays open. Idempotent. */
  close(): Promise<void>;
}

export interface RelayOptions {
  readonly signal?: AbortSignal;
}

export interface FileRelayOptions {
  readonly store: ObjectStore;
  /** The relay's alone: closing it deletes all objects under it. `/` is added where it does not end in one. */
  readonly prefix: string;
}

/** A {@link FileRelay} through one bucket. */
export function createFileRelay(options: FileRelayOptions): FileRelay {
  const { store } = options;
  const prefix = options.prefix.endsWith('/') ? options.prefix : `${options.prefix}/`;
  const closing = new AbortController();
  const sender = createOnceSender(store, `${prefix}files/`, closing.signal);
  const folders = createFolderSender(store, `${prefix}folders/`, closing.signal);
  return {
    async send(fileUrls, { signal } = {}) {
      const sent = await runParallel(localOnly(fileUrls), { limit: PARALLEL_FILES, signal }, async (url, stop) => {
        const path = fileURLToPath(url);
        const key = await untilAborted(url.endsWith('/') ? folders.keyOf(path) : sender.keyOf(path), stop);
        return [url, `${store.url}/${key}`] as const;
      });
      return Object.fromEntries(sent);
    },
    outputsFor(fileUrls, attemptName) {
      const folder = `${store.url}/${prefix}outputs/${attemptName}`;
      const places = localOnly(fileUrls).map((url) => [
        url,
        `${folder}/${shortHash(url)}/${localName(new DataFile(url))}${url.endsWith('/') ? '/' : ''}`,
      ]);
      return Object.fromEntries(places);
    },
    async receive(record, { signal } = {}) {
      await runParallel(Object.entries(record), { limit: PARALLEL_FILES, signal }, async ([url, objectUrl], stop) => {
        const { key } = parseObjectUrl(objectUrl);
        const path = fileURLToPath(url);
        if (key.endsWith('/')) {
          await receiveFolder(store, key, path, stop);
          await deleteAll(store, key);
        } else {
          await downloadObject(store, key, { path, signal: stop, durable: true });
          await store.deleteMany([key], { signal: stop });
        }
      });
    },
    async close() {
      closing.abort(new SluiceError('CANCELLED', 'the run is closed: its files are not carried any more'));
      await Promise.all([sender.settled(), folders.settled()]);
      await deleteAll(store, prefix);
    },
  };
}

const PARALLEL_FILES = 8;

function localOnly(urls: readonly string[]): readonly string[] {
  return [...new Set(urls)].filter((url) => url.startsWith('file:'));
}

async function deleteAll(store: ObjectStore, prefix: string): Promise<void> {
  let keys: string[] = [];
  for await (const { key } of store.listAfter(prefix)) {
    keys.push(key);
    if (keys.length < KEYS_AT_ONCE) continue;
    await store.deleteMany(keys);
    keys = [];
  }
  await store.deleteMany(keys);
}

const KEYS_AT_ONCE = 10_000;
