import type { Answer, AnswerSignals, HttpRequest } from './answer.js';
import { Exchange } from './exchange.js';
import { type ConnectionOwner, type ConnectionTimes, HttpConnection } from './http-connection.js';

export interface HttpPoolOptions {
  /** Connections to one server at a time, at most. */
  readonly connections: number;
  /** Longest wait for a server to take a connection, in milliseconds. Default: 10,000. */
  readonly connectMs?: number;
  /** Longest time in which nothing moves, in milliseconds, while a request is under way and its reader not behind. */
  readonly idleMs: number;
  /** How long a connection is kept for the next request, in milliseconds. Default: 4,000, less than what servers do. */
  readonly keepAliveMs?: number;
}

/** Connections to HTTP/1.1 servers, for requests that are sent once each. */
export class HttpPool {
  readonly #most: number;
  readonly #times: ConnectionTimes;
  readonly #sites = new Map<string, Site>();
  #isDestroyed = false;

  constructor({ connections, connectMs = 10_000, idleMs, keepAliveMs = 4_000 }: HttpPoolOptions) {
    this.#most = connections;
    this.#times = { connectMs, idleMs, keepAliveMs };
  }

  /**
   * Resolves with the answer, whatever its status: a small one when it is whole, a large one when its bytes begin to come. Rejects
   * with an {@link HttpFailure}, with what the system says, or with the signal's reason.
   */
  send(request: HttpRequest, signals: AnswerSignals): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#isDestroyed) return reject(new Error('the connections are closed'));
      const exchange = new Exchange(request, signals, { resolve, reject });
      if (!exchange.isOver) this.#siteOf(request.origin).run(exchange);
    });
  }

  /** Breaks off what is under way. */
  destroy(): void {
    this.#isDestroyed = true;
    for (const site of this.#sites.values()) site.destroy();
    this.#sites.clear();
  }

  #siteOf(origin: string): Site {
    const known = this.#sites.get(origin);
    if (known !== undefined) return known;
    const site = new Site(origin, this.#most, this.#times);
    this.#sites.set(origin, site);
    return site;
  }
}

/** One server's connections, and who waits for them. */
class Site implements ConnectionOwner {
  tlsSession: Buffer | undefined;
  readonly #origin: string;
  readonly #most: number;
  readonly #times: ConnectionTimes;
  readonly #connections = new Set<HttpConnection>();
  /** The one that was in use last is the last. */
  readonly #free: HttpConnection[] = [];
  readonly #waiting: Exchange[] = [];

  constructor(origin: string, most: number, times: ConnectionTimes) {
    this.#origin = origin;
    this.#most = most;
    this.#times = times;
  }

  run(exchange: Exchange): void {
    const connection = this.#takeFree() ?? this.#connect();
    if (connection === undefined) this.#waiting.push(exchange);
    else connection.carry(exchange);
  }

  onFree(connection: HttpConnection): void {
    const next = this.#nextWaiting();
    if (next === undefined) this.#free.push(connection);
    else connection.carry(next);
  }

  onGone(connection: HttpConnection): void {
    this.#connections.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at !== -1) this.#free.splice(at, 1);
    const next = this.#nextWaiting();
    if (next !== undefined) this.run(next);
  }

  destroy(): void {
    const reason = new Error('the connections are closed');
    for (const exchange of this.#waiting.splice(0)) exchange.fail(reason);
    for (const connection of this.#connections) connection.abort(reason);
  }

  #takeFree(): HttpConnection | undefined {
    for (;;) {
      const connection = this.#free.pop();
      if (connection === undefined || connection.isUsable) return connection;
    }
  }

  #connect(): HttpConnection | undefined {
    if (this.#connections.size === this.#most) return undefined;
    const connection = new HttpConnection(this.#origin, this.#times, this);
    this.#connections.add(connection);
    return connection;
  }

  #nextWaiting(): Exchange | undefined {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined || !next.isOver) return next;
    }
  }
}
