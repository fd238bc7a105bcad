import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import type { BodySource } from './answer-body.js';
import { AnswerReader } from './answer-reader.js';
import type { Exchange } from './exchange.js';
import { HttpFailure } from './http-failure.js';
import { requestHead } from './request-head.js';

/** How long a connection waits, in milliseconds. */
export interface ConnectionTimes {
  /** For the server to take it. */
  readonly connectMs: number;
  /** For something to move, while a request is under way and its reader not behind. */
  readonly idleMs: number;
  /** For the next request. */
  readonly keepAliveMs: number;
}

/** Told what becomes of a connection. */
export interface ConnectionOwner {
  /** What makes the next TLS handshake with the server a short one. */
  tlsSession: Buffer | undefined;
  /** It can carry the next request. */
  onFree(connection: HttpConnection): void;
  /** It is gone, once. */
  onGone(connection: HttpConnection): void;
}

/** What a body is written in, so that its progress shows. */
const SLICE_BYTES = 256 * 1024;
/** Between probes of a connection on which nothing moves. */
const PROBE_MS = 60_000;

/**
 * A connection to an HTTP/1.1 server that carries one exchange at a time.
 *
 * Written here since it is what most of a transfer's time goes into: of Node's clients each makes objects for every answer, and
 * a new buffer for every 64 KiB of it; ten times of what reading into place takes.
 */
export class HttpConnection implements BodySource {
  readonly #host: string;
  readonly #times: ConnectionTimes;
  readonly #owner: ConnectionOwner;
  readonly #reader = new AnswerReader();
  readonly #socket: Socket;
  #isConnected = false;
  #isPaused = false;
  #failure: unknown;
  #current: Current | undefined;

  /** Begins to connect. */
  constructor(origin: string, times: ConnectionTimes, owner: ConnectionOwner) {
    const url = new URL(origin);
    this.#host = url.host;
    this.#times = times;
    this.#owner = owner;
    this.#socket = this.#open(url).setKeepAlive(true, PROBE_MS).setTimeout(times.connectMs);
    this.#socket
      .on('timeout', () => this.#onTimeout())
      .on('error', (error) => this.#onError(error))
      .on('end', () => this.#onFarEnd())
      .on('close', () => this.#onClose());
  }

  /** Whether it can carry something: the end of a connection shows before it is gone. */
  get isUsable(): boolean {
    return this.#socket.readable && this.#socket.writable;
  }

  /** Sends a request, and tells the exchange of the answer. One at a time, and none once it is gone. */
  carry(exchange: Exchange): void {
    const { request } = exchange;
    const current: Current = { exchange, isSent: false, isAnswered: false, staysOpen: false };
    this.#current = current;
    exchange.carriedBy(this);
    this.#reader.expect(request.method, {
      onHead: (head) => {
        current.staysOpen = head.staysOpen;
        exchange.onHead(head);
      },
      onData: (bytes) => exchange.onData(bytes),
      // Told once it is known that nothing comes behind it.
      onEnd: () => {
        current.isAnswered = true;
      },
    });
    this.#socket.ref();
    if (this.#isConnected) this.#socket.setTimeout(this.#times.idleMs);
    this.#send(current);
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.setTimeout(this.#times.idleMs);
    this.#socket.resume();
  }

  abort(reason: Error): void {
    this.#failure ??= reason;
    this.#socket.destroy();
  }

  #open({ protocol, hostname, port }: URL): Socket {
    const host = hostname.replace(/^\[|\]$/g, '');
    const onread = { buffer: () => this.#reader.room, callback: (count: number) => this.#onRead(count) };
    const onConnected = (): void => {
      this.#isConnected = true;
      if (this.#current !== undefined) this.#socket.setTimeout(this.#times.idleMs);
    };
    const place = { host, port: Number(port) || (protocol === 'https:' ? 443 : 80), noDelay: true, onread };
    if (protocol === 'http:') return connectPlain(place, onConnected);
    const servername = isIP(host) === 0 ? host : '';
    const session = this.#owner.tlsSession;
    const socket = connectSecure({ ...place, servername, session, ALPNProtocols: ['http/1.1'] }, onConnected);
    return socket.on('session', (next) => {
      this.#owner.tlsSession = next;
    });
  }

  #send(current: Current): void {
    const { request } = current.exchange;
    const { body = NOTHING } = request;
    try {
      const head = requestHead(request, this.#host);
      if (body.length > 0) this.#socket.cork();
      this.#socket.write(head, 'latin1');
    } catch (error) {
      this.abort(error as Error);
      return;
    }
    this.#sendBody(current, body, 0);
    this.#socket.uncork();
  }

  #sendBody(current: Current, body: Uint8Array, start: number): void {
    for (let at = start; at < body.length; ) {
      const slice = body.subarray(at, at + SLICE_BYTES);
      at += slice.length;
      if (!this.#socket.write(slice) && at < body.length) {
        this.#socket.once('drain', () => this.#sendBody(current, body, at));
        return;
      }
    }
    current.isSent = true;
  }

  #onRead(count: number): boolean {
    try {
      this.#reader.take(count);
      if (this.#current?.isAnswered) this.#onAnswered(this.#current);
    } catch (error) {
      this.abort(error as Error);
    }
    return true;
  }

  #onAnswered({ exchange, isSent, staysOpen }: Current): void {
    this.#current = undefined;
    exchange.onEnd();
    // What was sent of a request that has been answered early is no request.
    if (!(isSent && staysOpen)) this.#socket.destroy();
    if (this.#socket.destroyed) return;
    // Otherwise its end would not be seen.
    if (this.#isPaused) this.resume();
    this.#socket.setTimeout(this.#times.keepAliveMs).unref();
    this.#owner.onFree(this);
  }

  #onTimeout(): void {
    const { connectMs, idleMs } = this.#times;
    if (!this.#isConnected) {
      this.abort(new HttpFailure('CONNECT_TIMEOUT', `${this.#host} cannot be connected to within ${connectMs} ms`));
    } else if (this.#current === undefined) this.#socket.destroy();
    else if (!this.#isPaused) this.abort(new HttpFailure('SILENCE', `nothing has moved for ${idleMs} ms`));
  }

  #onError(error: Error): void {
    // Of a host with several addresses there is one error for each.
    const [first] = error instanceof AggregateError ? error.errors : [];
    this.#failure ??= first ?? error;
  }

  /** The server sends nothing more. */
  #onFarEnd(): void {
    this.#reader.finish();
    if (this.#current?.isAnswered) this.#onAnswered(this.#current);
  }

  #onClose(): void {
    this.#reader.finish();
    const { exchange } = this.#current ?? {};
    this.#current = undefined;
    exchange?.fail(this.#failure ?? new HttpFailure('CONNECTION_LOST', `${this.#host} ended the connection`));
    this.#owner.onGone(this);
  }
}

interface Current {
  readonly exchange: Exchange;
  /** All of the request is on its way. */
  isSent: boolean;
  isAnswered: boolean;
  /** The answer has said that another request may follow. */
  staysOpen: boolean;
}

const NOTHING = new Uint8Array();
