import type { Duplex } from 'node:stream';
import { SluiceError } from '../errors.js';
import { DEFAULT_RETRY_POLICY, PATIENT_RETRY_POLICY, retrying } from '../object-store/retry-policy.js';
import type { HostSettings } from './host-settings.js';
import { type RemoteCommand, type RemoteResult, runCommand } from './run-command.js';
import { createSftpSession, type SftpSession } from './sftp-session.js';
import { createSlots, type Slots } from './slots.js';
import { type OpenClient, openClient } from './ssh-client.js';
import { connectionLost, isLost, SshConnectError } from './ssh-errors.js';
import type { ResolvedSshOptions } from './ssh-options.js';

/** One connection to a host, made when first used, made anew after it was lost or had been idle for long. */
export class SshConnection {
  /** `ssh://user@host:port`. */
  readonly name: string;
  readonly #settings: HostSettings;
  readonly #options: ResolvedSshOptions;
  readonly #way: (() => Promise<Duplex>) | undefined;
  readonly #closing = new AbortController();
  readonly #slots: Slots;
  #client: Promise<OpenClient> | undefined;
  #sftp: Promise<SftpSession> | undefined;
  #wasOpen = false;
  #users = 0;
  #idle: NodeJS.Timeout | undefined;

  /** No I/O. @param way opens the stream to speak through, for a host behind others; absent: a socket to the host */
  constructor(settings: HostSettings, options: ResolvedSshOptions, way?: () => Promise<Duplex>) {
    this.name = settings.name;
    this.#settings = settings;
    this.#options = options;
    this.#way = way;
    this.#slots = createSlots(options.channels);
  }

  /**
   * Lets `use` work with the connection's one SFTP session; the connection is not idle meanwhile. A session that was
   * lost is not replaced under `use`: call again.
   *
   * @throws {SluiceError} as {@link openClient}, after several attempts where those may help, or what `use` throws
   */
  withSftp<T>(use: (session: SftpSession) => Promise<T>): Promise<T> {
    return this.#inUse(async () => use(await this.#session()));
  }

  /** Runs a command in the user's shell there. @throws {SluiceError} as {@link runCommand} and {@link openClient} */
  run(command: RemoteCommand): Promise<RemoteResult> {
    return this.#inUse(async () => {
      const release = await this.#slots.take();
      try {
        const { client } = await this.#open();
        return await runCommand(client, this.name, command);
      } finally {
        release();
      }
    });
  }

  /** A stream to a port that the host can reach. */
  async tunnel(host: string, port: number): Promise<Duplex> {
    this.#enter();
    try {
      const opened = await this.#throughChannel<Duplex>((client, done) =>
        client.forwardOut('127.0.0.1', 0, host, port, done),
      );
      void opened.closed.then(() => this.#leave());
      return opened.channel;
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Ends it at once; what is under way rejects with `SERVICE_FAILED`, and so does all that comes later. Idempotent. */
  async close(): Promise<void> {
    const error = new SluiceError('SERVICE_FAILED', `${this.name}: the connection was closed by this process`);
    this.#closing.abort(error);
    this.#slots.close(error);
    clearTimeout(this.#idle);
    const open = await this.#client?.catch(() => undefined);
    open?.destroy();
    await open?.ended;
  }

  async #inUse<T>(action: () => Promise<T>): Promise<T> {
    this.#enter();
    try {
      return await action();
    } finally {
      this.#leave();
    }
  }

  #enter(): void {
    this.#users += 1;
    clearTimeout(this.#idle);
  }

  #leave(): void {
    this.#users -= 1;
    if (this.#users > 0 || this.#closing.signal.aborted) return;
    this.#idle = setTimeout(() => {
      const idle = this.#client;
      // Whoever comes now gets a new connection, and not one that is about to end.
      this.#client = undefined;
      this.#sftp = undefined;
      void idle?.then(({ client }) => client.end()).catch(() => undefined);
    }, this.#options.idleMs).unref();
  }

  #open(): Promise<OpenClient> {
    this.#closing.signal.throwIfAborted();
    this.#client ??= this.#connect();
    return this.#client;
  }

  #connect(): Promise<OpenClient> {
    const { signal } = this.#closing;
    const opening = retrying(
      (stop) => openClient(this.#settings, { options: this.#options, way: this.#way, signal: stop }),
      {
        policy: this.#wasOpen ? PATIENT_RETRY_POLICY : DEFAULT_RETRY_POLICY,
        isTransient,
        what: `connect to ${this.name}`,
        signal,
      },
    );
    const forget = () => {
      if (this.#client === opening) this.#client = undefined;
    };
    opening.then(({ ended }) => {
      this.#wasOpen = true;
      return ended.then(forget);
    }, forget);
    return opening;
  }

  #session(): Promise<SftpSession> {
    if (this.#sftp !== undefined) return this.#sftp;
    const opening = this.#throughChannel<SftpWrapper>((client, done) => client.sftp(done)).then((opened) => {
      void opened.closed.then(forget);
      return createSftpSession(opened.channel, this.name);
    });
    const forget = () => {
      if (this.#sftp === opening) this.#sftp = undefined;
    };
    opening.catch(forget);
    this.#sftp = opening;
    return opening;
  }

  /** Opens a channel on a slot, which is given back when the channel closes. */
  async #throughChannel<T extends Closing>(
    open: (client: OpenClient['client'], done: Done<T>) => void,
  ): Promise<Opened<T>> {
    const release = await this.#slots.take();
    try {
      const { client, ended } = await this.#open();
      const channel = await new Promise<T>((resolve, reject) => {
        open(client, (error, opened) => (error ? reject(error) : resolve(opened)));
      });
      const closed = new Promise<void>((resolve) => {
        channel.once('close', resolve);
        void ended.then(() => resolve());
      });
      void closed.then(release);
      return { channel, closed };
    } catch (error) {
      release();
      throw error instanceof SluiceError ? error : connectionLost(this.name, error);
    }
  }
}

// A host on the way may be what cannot be reached, or what is lost.
function isTransient(error: unknown): boolean {
  return error instanceof SshConnectError || isLost(error);
}

interface Opened<T> {
  readonly channel: T;
  readonly closed: Promise<void>;
}

type SftpWrapper = Parameters<typeof createSftpSession>[0];
type Done<T> = (error: Error | undefined, channel: T) => void;

interface Closing {
  once(event: 'close', listener: () => void): unknown;
}
