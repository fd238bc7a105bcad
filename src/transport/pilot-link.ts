import { messageOf, SluiceError } from '../errors.js';
import { type LinkHeader, parseHeader } from '../wire/pilot/link-header.js';
import { ACKNOWLEDGE_AFTER_MS, ReliableLink } from '../wire/pilot/reliable-link.js';
import { AwakeClock, tickMsFor } from './awake-clock.js';
import { openDealer } from './dealer-end.js';
import { firstToAnswer } from './first-to-answer.js';
import { newSession } from './new-session.js';
import type { ClientSecurity, DealerEnd, Frames } from './transport.js';

export interface PilotLinkOptions {
  /** `tcp://host:port`, all of the same interchange. All are tried at once. */
  readonly addresses: readonly string[];
  readonly connectTimeoutMs: number;
  /** Unique among all that connect to the interchange. ASCII, 200 characters at most. */
  readonly id: string;
  /** Absent: without encryption. */
  readonly security?: ClientSecurity;
  readonly heartbeatMs: number;
  readonly heartbeatThresholdMs: number;
  readonly maxMessageBytes: number;
  /** A message of the interchange: each once, in order. */
  onMessage(frames: Frames): void;
  /**
   * First contact, or another interchange took the place of the first: introduce yourself (again).
   *
   * @param dropped messages the first may not have got, which this one does not get either unless they are sent again
   */
  onPeer(dropped: readonly Frames[]): void;
  /** It is silent beyond the threshold, refuses, or speaks another version: the link is over. Called once. */
  onLost(error: SluiceError): void;
}

/** The connecting end of a link. */
export interface PilotLink {
  /** The address that answered. */
  readonly address: string;
  /** Queues a message; never waits. @throws {SluiceError} `NOT_SENDABLE` when a frame is larger than the peer takes */
  send(frames: Frames): void;
  /** Resolves when the peer has everything, and at the latest after half a second; then nothing is called any more. */
  close(): Promise<void>;
}

const CLOSE_MS = 500;

/**
 * Connects to the first of the addresses that answers. Callbacks are not called before the promise has resolved.
 *
 * @throws {SluiceError} `UNREACHABLE` after `connectTimeoutMs`, naming each address and what came of it; `ACCESS_DENIED`
 * at once when the interchange does not know the key, or every address turns out to be somebody else;
 * `VERSION_MISMATCH` when it speaks another version.
 */
export async function openPilotLink(options: PilotLinkOptions): Promise<PilotLink> {
  const address = await firstToAnswer(options);
  const link = new ConnectedLink(options, address);
  // Whoever waits for the link must have it when the first callback comes.
  setImmediate(() => void link.open());
  return link;
}

class ConnectedLink implements PilotLink {
  readonly #options: PilotLinkOptions;
  readonly address: string;
  readonly #link: ReliableLink;
  readonly #clock: AwakeClock;
  #dealer: DealerEnd | undefined;
  #heardAtMs = 0;
  #payment: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #state: 'open' | 'closing' | 'over' = 'open';
  #onAcknowledged: (() => void) | undefined;

  constructor(options: PilotLinkOptions, address: string) {
    this.#options = options;
    this.address = address;
    const { heartbeatMs } = options;
    const nowMs = performance.now();
    this.#clock = new AwakeClock(tickMsFor(heartbeatMs), nowMs);
    this.#link = new ReliableLink(
      {
        transmit: (frames) => this.#dealer?.send(frames),
        deliver: (frames) => {
          if (this.#state === 'open') options.onMessage(frames);
        },
        onPeer: (dropped) => {
          if (this.#state === 'open') options.onPeer(dropped);
        },
      },
      { newSession, heartbeatMs, resendAfterMs: heartbeatMs, connected: 'later' },
      nowMs,
    );
  }

  async open(): Promise<void> {
    const { id, security, maxMessageBytes, heartbeatMs } = this.#options;
    let isConnected = false;
    const opened = openDealer({
      address: this.address,
      id,
      maxMessageBytes,
      ...(security && { security }),
      onMessage: (frames) => this.#receive(frames),
      onConnected: () => {
        isConnected = true;
        if (this.#dealer !== undefined) this.#link.connected(performance.now());
      },
      onDisconnected: () => this.#link.disconnected(),
      onRefused: (reason) => this.#end(new SluiceError('ACCESS_DENIED', `the interchange at ${reason}`)),
    });
    try {
      const dealer = await opened;
      if (this.#state === 'over') return await dealer.close();
      this.#dealer = dealer;
      if (isConnected) this.#link.connected(performance.now());
      this.#ticker = setInterval(() => this.#tick(), tickMsFor(heartbeatMs));
    } catch (error) {
      this.#end(new SluiceError('UNREACHABLE', messageOf(error), { cause: error }));
    }
  }

  send(frames: Frames): void {
    if (this.#state !== 'open') return;
    for (const { byteLength } of frames) {
      if (byteLength > this.#options.maxMessageBytes) throw tooLarge(byteLength, this.#options.maxMessageBytes);
    }
    this.#link.send(frames, performance.now());
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    if (this.#link.unacknowledged > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        this.#onAcknowledged = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#stop();
  }

  #receive(message: Frames): void {
    if (this.#state === 'over') return;
    let header: LinkHeader;
    try {
      header = parseHeader(message[0]);
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'VERSION_MISMATCH') this.#end(error);
      return;
    }
    this.#heardAtMs = this.#clock.awakeMs;
    if (header.session !== 0) this.#link.receive(header, message.slice(1), performance.now());
    if (this.#link.owes) this.#payment ??= setTimeout(() => this.#pay(), ACKNOWLEDGE_AFTER_MS);
    if (this.#link.unacknowledged === 0) this.#onAcknowledged?.();
  }

  #pay(): void {
    this.#payment = undefined;
    this.#link.tick(performance.now());
    if (this.#link.owes) this.#payment = setTimeout(() => this.#pay(), ACKNOWLEDGE_AFTER_MS / 2);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#clock.tick(nowMs);
    this.#link.tick(nowMs);
    const silentMs = this.#clock.awakeMs - this.#heardAtMs;
    if (silentMs > this.#options.heartbeatThresholdMs) {
      this.#end(
        new SluiceError(
          'UNREACHABLE',
          `the interchange at ${this.address} has been silent for ${Math.round(silentMs)} ms: it ended, or the network between broke`,
        ),
      );
    }
  }

  #end(error: SluiceError): void {
    const wasOpen = this.#state === 'open';
    this.#onAcknowledged?.();
    this.#stop();
    if (wasOpen) this.#options.onLost(error);
  }

  #stop(): void {
    this.#state = 'over';
    clearInterval(this.#ticker);
    clearTimeout(this.#payment);
    this.#link.disconnected();
    void this.#dealer?.close();
    this.#dealer = undefined;
  }
}

function tooLarge(bytes: number, most: number): SluiceError {
  return new SluiceError(
    'NOT_SENDABLE',
    `a message has a part of ${bytes} bytes, and ${most} are the most: use files or spill for what is so large, or raise maxMessageBytes`,
  );
}
