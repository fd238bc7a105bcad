/** How the managers of a run serve files of their nodes to each other. */
export interface PeersConfig {
  /** Of the run, in hexadecimal; absent: files travel in the clear, to whoever asks. */
  readonly key?: string;
  /** So many at a time may fetch cached inputs from one node; absent: those are not served. */
  readonly perSource?: number;
}

/** What lets one process in at the other nodes of a run: a key made of the run's, which opens nothing else. */
export interface PeerAccess {
  /** Tells runs apart; made of the run's key, and no secret. */
  readonly run: string;
  /** Who comes: the other side makes the same key of it. */
  readonly identity: string;
  /** In hexadecimal. */
  readonly key: string;
}

/** Where a manager serves files of its node. */
export interface PeerAddress {
  /** Id of the manager: another one that has got the port is refused. */
  readonly manager: string;
  readonly host: string;
  readonly port: number;
}

/** Where the workers of a manager keep files that other tasks read, and where those find them. */
export interface PeerPlace extends PeerAddress {
  /** Absolute path. */
  readonly folder: string;
}

/** What a worker process has of its run's other nodes. */
export interface WorkerPeers {
  /** Absent where nothing is encrypted. */
  readonly access?: PeerAccess;
  /** Whether nodes serve their cached inputs. */
  readonly servesCached: boolean;
}

/** The folder for kept files, below a manager's scratch folder. */
export const KEPT_FOLDER = 'kept';
