import { SluiceError } from '../../errors.js';
import { untilAborted } from '../until-aborted.js';
import { isTooMany } from './ftp-errors.js';
import { type FtpServer, type FtpSession, nameOf, openSession } from './ftp-session.js';

export interface FtpPoolOptions {
  /** Connections at a time. */
  readonly connections: number;
  /** How long one stays open that nobody uses, in milliseconds. */
  readonly idleMs: number;
}

/** Connections to one server for one user, each of which does one thing at a time. */
export class FtpPool {
  /** `ftp[s]://user@host:port`. */
  readonly name: string;
  readonly #server: FtpServer;
  readonly #idleMs: number;
  readonly #idle: { readonly session: FtpSession; readonly timer: NodeJS.Timeout }[] = [];
  readonly #used = new Set<FtpSession>();
  readonly #waiting: (() => void)[] = [];
  #limit: number;
  #opening = 0;
  #closed: SluiceError | undefined;

  constructor(server: FtpServer, { connections, idleMs }: FtpPoolOptions) {
    this.name = nameOf(server);
    this.#server = server;
    this.#limit = connections;
    this.#idleMs = idleMs;
  }

  /** How many connections there may be at a time: what the options say, or fewer where the server has no more. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Lets `use` work with a session of its own, which is closed when the signal aborts, or when it has failed.
   *
   * @throws {SluiceError} as {@link openSession}, or what `use` throws
   */
  async use<T>(use: (session: FtpSession) => Promise<T>, signal: AbortSignal): Promise<T> {
    const session = await this.#take(signal);
    const onAbort = () => session.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      return await use(session);
    } catch (error) {
      // What `use` ran into when the session was closed under it is not the reason.
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#giveBack(session);
    }
  }

  /** Ends all connections, and what is under way on them. Idempotent. */
  close(): void {
    this.#closed = new SluiceError('SERVICE_FAILED', `${this.name}: the connections were closed by this process`);
    for (const { session, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      session.close();
    }
    for (const session of this.#used) session.close();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #take(signal: AbortSignal): Promise<FtpSession> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed !== undefined) throw this.#closed;
      const kept = this.#idle.pop();
      if (kept !== undefined) {
        clearTimeout(kept.timer);
        // The server may have ended it meanwhile.
        if (kept.session.isClosed) continue;
        this.#used.add(kept.session);
        return kept.session;
      }
      if (this.#used.size + this.#opening < this.#limit) {
        const opened = await this.#open(signal);
        if (opened !== undefined) return opened;
      } else await this.#turn(signal);
    }
  }

  /** `undefined` when the server has no more for now, and others are in use that will be free some time. */
  async #open(signal: AbortSignal): Promise<FtpSession | undefined> {
    this.#opening += 1;
    try {
      const session = await openSession(this.#server, signal);
      if (this.#closed !== undefined) {
        session.close();
        throw this.#closed;
      }
      this.#used.add(session);
      return session;
    } catch (error) {
      this.#wakeOne();
      const others = this.#used.size + this.#opening - 1;
      if (!isTooMany(error) || others === 0) throw error;
      this.#limit = others;
      return undefined;
    } finally {
      this.#opening -= 1;
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    let wake = (): void => {};
    const turn = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.push(wake);
    try {
      await untilAborted(turn, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(wake);
      if (at === -1) this.#wakeOne();
      else this.#waiting.splice(at, 1);
      throw error;
    }
  }

  #wakeOne(): void {
    this.#waiting.shift()?.();
  }

  #giveBack(session: FtpSession): void {
    this.#used.delete(session);
    if (!session.isClosed && this.#closed === undefined) {
      const timer = setTimeout(() => {
        this.#idle.splice(this.#idle.indexOf(kept), 1);
        session.close();
      }, this.#idleMs).unref();
      const kept = { session, timer };
      this.#idle.push(kept);
    } else session.close();
    this.#wakeOne();
  }
}
