import { rm } from 'node:fs/promises';
import type { PeerPlace, PeersConfig, WorkerPeers } from '../../wire/pilot/peers.js';
import { localAddressTowards } from './local-address.js';
import { accessFor, nameOfRun } from './peer-access.js';
import type { PeerServer } from './peer-server.js';
import { peerUrl } from './peer-url.js';
import { placeOf } from './served-files.js';

export interface NodeFilesOptions {
  /** Id of the manager. */
  readonly manager: string;
  readonly config: PeersConfig;
  /** Absolute path of the folder for kept files; made when it is needed. */
  readonly folder: string;
}

/** How much is kept; a folder counts as one file. */
export interface KeptAmount {
  readonly files: number;
  readonly bytes: number;
}

/** The files of a node that other nodes get from it: kept ones, and its caches'. */
export class NodeFiles {
  readonly workerPeers: WorkerPeers;
  readonly #options: NodeFilesOptions;
  readonly #entries = new Set<string>();
  /** Bytes, by path as it stands in URLs. */
  readonly #kept = new Map<string, number>();
  #bytes = 0;
  #place: Promise<PeerPlace> | undefined;
  #server: PeerServer | undefined;
  #isClosed = false;

  constructor(options: NodeFilesOptions) {
    const { config, manager } = options;
    this.#options = options;
    this.workerPeers = {
      servesCached: config.perSource !== undefined,
      ...(config.key !== undefined && { access: accessFor(config.key, `workers of ${manager}`) }),
    };
  }

  /** What is kept now, as far as it was told. */
  get kept(): KeptAmount {
    return { files: this.#kept.size, bytes: this.#bytes };
  }

  /** Serves from now on, and says where. @param towards `tcp://host:port` of somebody who is reached like the other nodes */
  open(towards: string): Promise<PeerPlace> {
    this.#place ??= this.#open(towards);
    // Another time it may go well.
    this.#place.catch(() => {
      this.#place = undefined;
    });
    return this.#place;
  }

  /** `peer:` URL of the node, by which hints name it. */
  urlOf(place: PeerPlace): string {
    const { key } = this.#options.config;
    return peerUrl({ ...place, path: '', ...(key !== undefined && { run: nameOfRun(key) }) });
  }

  /** Workers have a cache there. */
  addCache(entries: string): void {
    this.#entries.add(entries);
  }

  /** A worker has kept a file. */
  add(path: string, bytes: number): void {
    this.#bytes += bytes - (this.#kept.get(path) ?? 0);
    this.#kept.set(path, bytes);
  }

  /** Removes kept files. Never rejects: what cannot go now goes at the close. */
  async drop(paths: readonly string[]): Promise<void> {
    const { folder } = this.#options;
    for (const path of paths) {
      this.#bytes -= this.#kept.get(path) ?? 0;
      this.#kept.delete(path);
      const place = await placeOf(folder, path).catch(() => undefined);
      if (place !== undefined) await rm(place, { recursive: true, force: true }).catch(() => {});
    }
  }

  /** Hangs up on everybody, and removes what is kept. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#place?.catch(() => {});
    await this.#server?.close();
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
  }

  async #open(towards: string): Promise<PeerPlace> {
    const { manager, config, folder } = this.#options;
    const host = await localAddressTowards(towards);
    const { startPeerServer } = await import('./peer-server.js');
    const server = await startPeerServer({
      manager,
      host,
      runKey: config.key,
      keptFolder: folder,
      entries: () => this.#entries,
      perSource: config.perSource ?? 0,
    });
    this.#server = server;
    if (this.#isClosed) await server.close();
    return { manager, host, port: server.port, folder };
  }
}
