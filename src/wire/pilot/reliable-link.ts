import { encodeHeader, type LinkHeader } from './link-header.js';

type Frames = readonly Uint8Array[];

/** What a link does to the world. Called in the middle of the link's own calls; may send through it at once. */
export interface LinkOwner {
  /** Hands frames to the transport, which keeps their order but may lose any of them. */
  transmit(frames: Frames): void;
  /** A message of the peer: each once, in order. */
  deliver(frames: Frames): void;
  /**
   * First contact; or the peer was started anew, and nothing it was sent before counts any more.
   *
   * @param dropped what the one before had not acknowledged
   */
  onPeer(dropped: readonly Frames[]): void;
}

export interface LinkOptions {
  /** A number from 1 to 2^32 - 1, hardly the same twice. */
  readonly newSession: () => number;
  /** Something is sent at least this often. */
  readonly heartbeatMs: number;
  /** What the peer does not acknowledge for so long, though it is heard, is sent again. */
  readonly resendAfterMs: number;
  /** `later`: messages are kept until {@link ReliableLink.connected}. */
  readonly connected: 'now' | 'later';
}

/** Messages the peer may be owed an acknowledgement of. */
const ACKNOWLEDGE_AFTER_MESSAGES = 32;
/** How long it may be owed one, in milliseconds. */
export const ACKNOWLEDGE_AFTER_MS = 50;
/** At most so often a peer is told that something is missing, or that it speaks to somebody else. */
const COMPLAIN_EVERY_MS = 100;

interface Sent {
  readonly sequence: number;
  readonly frames: Frames;
  sentAtMs: number;
}

/**
 * Makes of a transport that loses messages when its connection breaks one that loses and doubles none: messages are
 * numbered and kept until the peer has acknowledged them, and all from the first missing one on are sent again when a
 * connection is there anew or the peer asks for them (go-back-N). Does no I/O and keeps no time: `nowMs` is the caller's
 * clock, and whoever has the link calls {@link tick}.
 */
export class ReliableLink {
  readonly #owner: LinkOwner;
  readonly #options: LinkOptions;
  #session: number;
  #sent = 0;
  #unacknowledged: Sent[] = [];
  /** Where the unacknowledged begin in their list: moving all up for each that goes would cost a long one dearly. */
  #head = 0;
  #resends = 0;
  /** Something of this session has been acknowledged: it cannot begin with another peer. */
  #isUnderWay = false;
  /** Session of the peer; 0 before the first contact. */
  #peer = 0;
  #received = 0;
  #acknowledged = 0;
  #owesSinceMs: number | undefined;
  #complainedAtMs = Number.NEGATIVE_INFINITY;
  #isConnected: boolean;
  #transmittedAtMs: number;

  constructor(owner: LinkOwner, options: LinkOptions, nowMs: number) {
    this.#owner = owner;
    this.#options = options;
    this.#session = options.newSession();
    this.#isConnected = options.connected === 'now';
    this.#transmittedAtMs = nowMs;
  }

  /** Messages that the peer has not acknowledged yet. */
  get unacknowledged(): number {
    return this.#unacknowledged.length - this.#head;
  }

  /** Whether an acknowledgement is owed: then {@link tick} is due {@link ACKNOWLEDGE_AFTER_MS} from now, if not before. */
  get owes(): boolean {
    return this.#owesSinceMs !== undefined;
  }

  /** There is a connection, for the first time or again: what may have been lost with the last one is sent again. */
  connected(nowMs: number): void {
    this.#isConnected = true;
    this.#transmit(0, NOTHING, nowMs, 'repeat');
    this.#resend(nowMs);
  }

  /** Messages are kept until there is a connection again. */
  disconnected(): void {
    this.#isConnected = false;
  }

  send(frames: Frames, nowMs: number): void {
    this.#sent += 1;
    const sent = { sequence: this.#sent, frames, sentAtMs: nowMs };
    this.#unacknowledged.push(sent);
    if (this.#isConnected) this.#transmit(sent.sequence, frames, nowMs);
  }

  /** Takes in what came from the peer: its header, and the frames after it. */
  receive(header: LinkHeader, frames: Frames, nowMs: number): void {
    if (header.session !== this.#peer && !this.#meet(header, nowMs)) return;
    const isAddressed = header.peer === this.#session;
    if (isAddressed) this.#forget(header.acknowledged);
    if (header.repeat) this.#repeat(nowMs);
    else if (isAddressed) this.#resendIfStalled(nowMs);
    if (header.sequence > 0) this.#take(header.sequence, frames, nowMs);
  }

  /** Does what time has made due: acknowledgements and heartbeats. */
  tick(nowMs: number): void {
    const owesSinceMs = this.#owesSinceMs ?? Number.POSITIVE_INFINITY;
    const isOwing = nowMs - owesSinceMs >= ACKNOWLEDGE_AFTER_MS;
    if (isOwing || nowMs - this.#transmittedAtMs >= this.#options.heartbeatMs) this.#transmit(0, NOTHING, nowMs);
  }

  /** Whether a session not known so far is the peer's from now on. */
  #meet({ session, peer, sequence }: LinkHeader, nowMs: number): boolean {
    const isForAnother = peer !== 0 && peer !== this.#session;
    const mayBeForAnother = peer === 0 && sequence > 1 && this.#peer === 0;
    if (isForAnother || mayBeForAnother) {
      // Of one that was here before: the peer shall see that this is another, and begin anew.
      if (this.#mayComplain(nowMs)) this.#transmit(0, NOTHING, nowMs, 'stranger');
      return false;
    }
    // It was started anew, and what was said before was for the one before. A session in which nothing was said is as
    // good as new: two sides that took each other for strangers would go on changing theirs for ever.
    const beginsAnew = this.#peer !== 0 && this.#sent > 0 && (peer === 0 || this.#isUnderWay);
    const dropped = beginsAnew ? this.#beginAnew() : [];
    this.#peer = session;
    this.#received = 0;
    this.#acknowledged = 0;
    this.#owesSinceMs = undefined;
    this.#complainedAtMs = Number.NEGATIVE_INFINITY;
    this.#owner.onPeer(dropped);
    return true;
  }

  #beginAnew(): Frames[] {
    const dropped = this.#unacknowledged.slice(this.#head).map(({ frames }) => frames);
    this.#session = this.#options.newSession();
    this.#sent = 0;
    this.#unacknowledged = [];
    this.#head = 0;
    this.#resends = 0;
    this.#isUnderWay = false;
    return dropped;
  }

  #take(sequence: number, frames: Frames, nowMs: number): void {
    if (sequence > this.#received + 1) {
      if (this.#mayComplain(nowMs)) this.#transmit(0, NOTHING, nowMs, 'repeat');
      return;
    }
    this.#owesSinceMs ??= nowMs;
    if (sequence <= this.#received) return;
    this.#received = sequence;
    this.#owner.deliver(frames);
    if (this.#received - this.#acknowledged >= ACKNOWLEDGE_AFTER_MESSAGES) this.#transmit(0, NOTHING, nowMs);
  }

  #mayComplain(nowMs: number): boolean {
    if (nowMs - this.#complainedAtMs < COMPLAIN_EVERY_MS) return false;
    this.#complainedAtMs = nowMs;
    return true;
  }

  #forget(acknowledged: number): void {
    const list = this.#unacknowledged;
    const before = this.#head;
    for (let sent = list[this.#head]; sent !== undefined && sent.sequence <= acknowledged; sent = list[this.#head]) {
      list[this.#head] = ACKNOWLEDGED;
      this.#head += 1;
    }
    if (this.#head !== before) {
      this.#resends = 0;
      this.#isUnderWay = true;
    }
    if (this.#head === list.length) {
      list.length = 0;
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 > list.length) {
      this.#unacknowledged = list.slice(this.#head);
      this.#head = 0;
    }
  }

  #repeat(nowMs: number): void {
    if (this.unacknowledged > 0) this.#resend(nowMs);
    else this.#transmit(0, NOTHING, nowMs);
  }

  #resendIfStalled(nowMs: number): void {
    const oldest = this.#unacknowledged[this.#head];
    if (oldest === undefined || nowMs - oldest.sentAtMs < this.#options.resendAfterMs * 2 ** this.#resends) return;
    this.#resends = Math.min(this.#resends + 1, MAX_DOUBLINGS);
    this.#resend(nowMs);
  }

  #resend(nowMs: number): void {
    if (!this.#isConnected) return;
    for (const sent of this.#unacknowledged.slice(this.#head)) {
      sent.sentAtMs = nowMs;
      this.#transmit(sent.sequence, sent.frames, nowMs);
    }
  }

  #transmit(sequence: number, frames: Frames, nowMs: number, purpose?: 'repeat' | 'stranger'): void {
    if (!this.#isConnected) return;
    this.#transmittedAtMs = nowMs;
    const peer = purpose === 'stranger' ? 0 : this.#peer;
    if (peer !== 0) {
      this.#acknowledged = this.#received;
      this.#owesSinceMs = undefined;
    }
    // Until the peer is known, even a heartbeat asks: without that it is but a knock at the door.
    const repeat = purpose === 'repeat' || (purpose === undefined && peer === 0 && sequence === 0);
    const acknowledged = peer === 0 ? 0 : this.#received;
    this.#owner.transmit([encodeHeader({ session: this.#session, sequence, peer, acknowledged, repeat }), ...frames]);
  }
}

const NOTHING: Frames = [];
const ACKNOWLEDGED: Sent = { sequence: 0, frames: [], sentAtMs: 0 };
const COMPACT_AT = 1_024;
const MAX_DOUBLINGS = 6;
