import { SluiceError } from '../errors.js';
import { encodeHeader, type LinkHeader, parseHeader } from '../wire/pilot/link-header.js';
import { ACKNOWLEDGE_AFTER_MS, ReliableLink } from '../wire/pilot/reliable-link.js';
import { AwakeClock, tickMsFor } from './awake-clock.js';
import { newSession } from './new-session.js';
import { openRouter } from './router-end.js';
import type { Frames, RouterEnd, RouterOptions } from './transport.js';

export interface PilotRouterOptions extends Omit<RouterOptions, 'onMessage'> {
  readonly heartbeatMs: number;
  readonly heartbeatThresholdMs: number;
  /** Each message once, and in the order the peer sent them. */
  readonly onMessage: (peer: string, frames: Frames) => void;
  /** First contact with a peer; or it was started anew, and knows nothing. */
  readonly onPeer: (peer: string) => void;
  /** A peer was silent for longer than the threshold, and is forgotten. */
  readonly onSilent: (peer: string, silentMs: number) => void;
  /** Peers that are never forgotten for being silent. Default: none. */
  readonly isKept?: (peer: string) => boolean;
}

/** The listening end of links. */
export interface PilotRouter {
  readonly port: number;
  /** To a peer that has been heard; to any other it is dropped. */
  send(peer: string, frames: Frames): void;
  /** Milliseconds since the peer was heard, or 0 for one that is not known. */
  silentForMs(peer: string): number;
  /** Forgets a peer. When it speaks again it is met anew. */
  drop(peer: string): void;
  /** Hears nothing any more, and resolves when peers have what they were sent, or after half a second. */
  close(): Promise<void>;
}

const CLOSE_MS = 500;

interface Peer {
  readonly link: ReliableLink;
  /** On the clock of this end. */
  heardAtMs: number;
}

/** Listens for peers with a {@link ReliableLink} each. @throws {SluiceError} as {@link openRouter} does */
export async function openPilotRouter(options: PilotRouterOptions): Promise<PilotRouter> {
  const table = new LinkTable(options);
  const router = await openRouter({ ...options, onMessage: (peer, frames) => table.receive(peer, frames) });
  table.start(router);
  return {
    port: router.port,
    send: (peer, frames) => table.send(peer, frames),
    silentForMs: (peer) => table.silentForMs(peer),
    drop: (peer) => table.drop(peer),
    close: async () => {
      await table.stop();
      await router.close();
    },
  };
}

class LinkTable {
  readonly #options: PilotRouterOptions;
  readonly #peers = new Map<string, Peer>();
  /** Links that owe an acknowledgement, and the timer that pays. */
  readonly #owing = new Set<ReliableLink>();
  #payment: NodeJS.Timeout | undefined;
  readonly #tickMs: number;
  readonly #clock: AwakeClock;
  #ticker: NodeJS.Timeout | undefined;
  #router: RouterEnd | undefined;
  #isStopping = false;
  #isStopped = false;
  #onAllAcknowledged: (() => void) | undefined;

  constructor(options: PilotRouterOptions) {
    this.#options = options;
    this.#tickMs = tickMsFor(options.heartbeatMs);
    this.#clock = new AwakeClock(this.#tickMs, performance.now());
  }

  start(router: RouterEnd): void {
    this.#router = router;
    this.#ticker = setInterval(() => this.#tick(), this.#tickMs);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (!this.#isAllAcknowledged()) {
      await new Promise<void>((resolve) => {
        this.#onAllAcknowledged = resolve;
        setTimeout(resolve, CLOSE_MS).unref();
      });
    }
    this.#isStopped = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#payment);
    for (const { link } of this.#peers.values()) link.disconnected();
    this.#peers.clear();
  }

  #isAllAcknowledged(): boolean {
    for (const { link } of this.#peers.values()) if (link.unacknowledged > 0) return false;
    return true;
  }

  send(name: string, frames: Frames): void {
    this.#peers.get(name)?.link.send(frames, performance.now());
  }

  silentForMs(name: string): number {
    const peer = this.#peers.get(name);
    return peer === undefined ? 0 : this.#clock.awakeMs - peer.heardAtMs;
  }

  drop(name: string): void {
    const link = this.#peers.get(name)?.link;
    if (link === undefined) return;
    // It may wait for that before it ends.
    if (link.owes) link.tick(performance.now() + ACKNOWLEDGE_AFTER_MS);
    this.#owing.delete(link);
    this.#peers.delete(name);
  }

  receive(name: string, message: Frames): void {
    if (this.#isStopped) return;
    if (this.#router === undefined) {
      // Peers of an interchange before this one may be quicker than whoever waits for the port.
      setImmediate(() => this.receive(name, message));
      return;
    }
    let header: LinkHeader;
    try {
      header = parseHeader(message[0]);
    } catch (error) {
      // One of another version understands as much as that, and garbage is nobody's.
      if (error instanceof SluiceError && error.code === 'VERSION_MISMATCH') this.#answer(name, 0);
      return;
    }
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      // A knock at every address that this end may have: whoever hears the answer comes in by that door.
      if (header.sequence === 0 && header.peer === 0 && !header.repeat) {
        this.#answer(name, header.session);
        return;
      }
      peer = this.#meet(name);
    }
    peer.heardAtMs = this.#clock.awakeMs;
    peer.link.receive(header, message.slice(1), performance.now());
    if (peer.link.owes) this.#owe(peer.link);
    if (this.#isStopping && this.#isAllAcknowledged()) this.#onAllAcknowledged?.();
  }

  #answer(name: string, session: number): void {
    const header = { session: 0, sequence: 0, peer: session, acknowledged: 0, repeat: false };
    this.#router?.send(name, [encodeHeader(header)]);
  }

  #meet(name: string): Peer {
    const { onMessage, onPeer, heartbeatMs } = this.#options;
    const link = new ReliableLink(
      {
        transmit: (frames) => this.#router?.send(name, frames),
        deliver: (frames) => {
          if (!this.#isStopping) onMessage(name, frames);
        },
        onPeer: () => {
          if (!this.#isStopping) onPeer(name);
        },
      },
      { newSession, heartbeatMs, resendAfterMs: heartbeatMs, connected: 'now' },
      performance.now(),
    );
    const peer = { link, heardAtMs: this.#clock.awakeMs };
    this.#peers.set(name, peer);
    return peer;
  }

  #owe(link: ReliableLink): void {
    this.#owing.add(link);
    this.#payment ??= setTimeout(() => this.#pay(), ACKNOWLEDGE_AFTER_MS);
  }

  #pay(): void {
    this.#payment = undefined;
    const nowMs = performance.now();
    for (const link of this.#owing) {
      link.tick(nowMs);
      if (!link.owes) this.#owing.delete(link);
    }
    if (this.#owing.size > 0) this.#payment = setTimeout(() => this.#pay(), ACKNOWLEDGE_AFTER_MS / 2);
  }

  // All peers are looked at, but only as often as time goes by: 2,000 of them take a fraction of a millisecond.
  #tick(): void {
    const { heartbeatThresholdMs, isKept } = this.#options;
    const nowMs = performance.now();
    this.#clock.tick(nowMs);
    for (const [name, { link, heardAtMs }] of this.#peers) {
      const silentMs = this.#clock.awakeMs - heardAtMs;
      if (silentMs > heartbeatThresholdMs && isKept?.(name) !== true) {
        this.drop(name);
        this.#options.onSilent(name, silentMs);
      } else {
        link.tick(nowMs);
      }
    }
  }
}
