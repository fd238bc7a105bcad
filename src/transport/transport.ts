/** Frames of one message. */
export type Frames = readonly Uint8Array[];

/** A CurveZMQ key pair, each key 40 characters of Z85 (https://rfc.zeromq.org/spec/32/). */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** How a listening end knows its peers: its own keys, and the public keys of those it lets in. */
export interface ServerSecurity {
  readonly server: KeyPair;
  readonly allow: readonly string[];
}

/** How a connecting end proves itself, and knows the server. */
export interface ClientSecurity {
  readonly client: KeyPair;
  readonly serverKey: string;
}

/** The listening end: one port, many peers, each with an id of its own choosing. */
export interface RouterEnd {
  readonly port: number;
  /** Queues a message for a peer, in order; never waits. What is sent to a peer that is gone is lost: links repeat it. */
  send(peer: string, frames: Frames): void;
  close(): Promise<void>;
}

/** The connecting end. It reconnects by itself. */
export interface DealerEnd {
  /** Queues a message, in order; never waits. */
  send(frames: Frames): void;
  close(): Promise<void>;
}

/** What both ends are given. */
export interface EndOptions {
  /** A peer that sends a frame larger than this is hung up on. */
  readonly maxMessageBytes: number;
}

export interface RouterOptions extends EndOptions {
  /** Address to bind: `127.0.0.1`, `0.0.0.0`, `::`. */
  readonly host: string;
  /** A port, or the first free one of a range. */
  readonly ports: { readonly from: number; readonly to: number };
  /** Another address, for peers on this machine: see `newLocalAddress`. Absent: none. */
  readonly local?: string;
  /** Absent: anybody who reaches the port is let in, and all is readable. */
  readonly security?: ServerSecurity;
  /** Called for each message, in order. What it throws ends the process: catch what peers can cause. */
  readonly onMessage: (peer: string, frames: Frames) => void;
  /** A peer knocked and was not let in. The address is its IP number; empty where it did not get as far as to show a key. */
  readonly onRefused?: (address: string) => void;
}

export interface DealerOptions extends EndOptions {
  /** `tcp://host:port`, or a `newLocalAddress`. */
  readonly address: string;
  /** How the router names this peer: unique among all that connect to it. */
  readonly id: string;
  readonly security?: ClientSecurity;
  /** As {@link RouterOptions}. */
  readonly onMessage: (frames: Frames) => void;
  /** The connection is there, or there again; or broke. */
  readonly onConnected?: () => void;
  readonly onDisconnected?: () => void;
  /** The server does not know this peer's key, or is not the one whose key was given: it will not get in. */
  readonly onRefused?: (reason: string, by: Refusal) => void;
}

/** Who refused: the server that was looked for, which does not know this peer's key; or somebody who is not that server. */
export type Refusal = 'server' | 'stranger';
