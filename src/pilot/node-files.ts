import type { PeerPlace, PeersConfig, WorkerPeers } from '../wire/pilot/peers.js';

/** The files of a node that other nodes get from it. What it does with them is not a manager's to know. */
export interface NodeFiles {
  /** What worker processes are told. */
  readonly workerPeers: WorkerPeers;
  /** How much is kept; a folder counts as one file. */
  readonly kept: { readonly files: number; readonly bytes: number };
  /** Serves from now on, and says where. @param towards `tcp://host:port` of somebody who is reached like the other nodes */
  open(towards: string): Promise<PeerPlace>;
  /** The URL by which the node is known to others. */
  urlOf(place: PeerPlace): string;
  /** Workers have a cache there. */
  addCache(entries: string): void;
  /** A worker has kept a file. */
  add(path: string, bytes: number): void;
  /** Nobody needs these any more. Never rejects. */
  drop(paths: readonly string[]): Promise<void>;
  /** Hangs up on everybody, and removes what is kept. */
  close(): Promise<void>;
}

/** @param options.folder absolute path of the folder for kept files */
export type CreateNodeFiles = (options: {
  readonly manager: string;
  readonly config: PeersConfig;
  readonly folder: string;
}) => NodeFiles;
