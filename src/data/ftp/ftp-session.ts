import { posix } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Client, FileInfo } from 'basic-ftp';
import { SluiceError } from '../../errors.js';
import { ftpFailure } from './ftp-errors.js';

/** What a server says of a file. */
export interface FtpFacts {
  readonly size: number;
  /** Time of modification in whole seconds; absent where the server tells none. */
  readonly mtime: number | undefined;
}

/** An entry of a folder. Facts are there where the server lists them for machines. */
export interface FtpEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly facts: FtpFacts | undefined;
}

/** How a server is reached. */
export interface FtpServer {
  readonly host: string;
  readonly port: number;
  readonly tls: 'none' | 'explicit' | 'implicit';
  readonly user: string;
  readonly password: string;
  readonly ca?: string | readonly string[] | undefined;
  readonly timeoutMs: number;
}

/**
 * One connection that is logged in; it does one thing at a time. Every method rejects with the errors of `ftp-errors.ts`,
 * and after one of code `SERVICE_FAILED` the session is closed. Paths are taken from the login's folder.
 */
export interface FtpSession {
  readonly isClosed: boolean;
  facts(path: string): Promise<FtpFacts>;
  /** Writes the file's bytes from `startAt` on to `to`, and ends it. */
  retrieve(path: string, to: Writable, startAt: number): Promise<void>;
  /** Writes what comes of `from` to the file, from byte `startAt` of it on. */
  store(path: string, from: AsyncIterable<Uint8Array>, startAt: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  isFolder(path: string): Promise<boolean>;
  entries(path: string): Promise<readonly FtpEntry[]>;
  /** Ends the connection at once, and what is under way on it. */
  close(): void;
}

/** `ftp[s]://user@host:port`, for messages. */
export function nameOf({ host, port, tls, user }: FtpServer): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${tls === 'none' ? 'ftp' : 'ftps'}://${encodeURIComponent(user)}@${shown}:${port}`;
}

/**
 * Connects and logs in.
 *
 * @throws {SluiceError} `SERVICE_FAILED`, `ACCESS_DENIED`, `HOST_NOT_TRUSTED`, `NOT_FOUND` (no such host), or with
 *   `signal.reason`
 */
export async function openSession(server: FtpServer, signal: AbortSignal): Promise<FtpSession> {
  const { Client: FtpClient } = await import('basic-ftp');
  signal.throwIfAborted();
  const client = new FtpClient(server.timeoutMs);
  const onAbort = () => client.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await client.access({
      host: server.host,
      port: server.port,
      user: server.user,
      password: server.password,
      secure: server.tls === 'implicit' ? 'implicit' : server.tls === 'explicit',
      secureOptions: tlsOptions(server),
    });
    // While a file is on its way nothing is said here: firewalls must not take that for the end.
    client.ftp.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return createSession(client, server, homeOf((await client.send('PWD')).message));
  } catch (error) {
    client.close();
    signal.throwIfAborted();
    throw ftpFailure(nameOf(server), error, server.password);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const KEEP_ALIVE_MS = 30_000;

function tlsOptions({ host, ca }: FtpServer): Record<string, unknown> {
  const isAddress = /^[\d.]+$|:/.test(host);
  return { host, ...(isAddress ? {} : { servername: host }), ...(ca === undefined ? {} : { ca }) };
}

// Source: RFC 959, appendix II: quotes in the name are doubled.
function homeOf(message: string): string {
  const quoted = /"((?:[^"]|"")*)"/.exec(message)?.[1];
  if (quoted === undefined)
    throw new SluiceError('PROTOCOL', `the server's answer to PWD is not understood: ${message}`);
  return quoted.replaceAll('""', '"');
}

function createSession(client: Client, server: FtpServer, home: string): FtpSession {
  const name = nameOf(server);
  // Always absolute: whatever folder a listing went to, and however a name begins.
  const at = (path: string) => posix.join(path.startsWith('/') ? '/' : home, path);
  const doing = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw ftpFailure(name, error, server.password);
    }
  };
  const told = async <T>(command: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await doing(command);
    } catch (error) {
      if (client.closed) throw error;
      return undefined;
    }
  };
  return {
    get isClosed() {
      return client.closed;
    },
    facts: (path) =>
      doing(async () => {
        const size = await client.size(at(path));
        const modified = await told(() => client.lastMod(at(path)));
        return { size, mtime: secondsOf(modified) };
      }),
    retrieve: (path, to, startAt) =>
      doing(async () => {
        await client.downloadTo(to, at(path), startAt);
      }),
    store: (path, from, startAt) =>
      doing(() =>
        preparing(client, startAt, async () => {
          await client.uploadFrom(Readable.from(afterHandshake(client, from), { objectMode: false }), at(path));
        }),
      ),
    rename: (from, to) =>
      doing(async () => {
        await client.rename(at(from), at(to));
      }),
    remove: (path) =>
      doing(async () => {
        await client.remove(at(path));
      }),
    makeFolder: (path) =>
      doing(async () => {
        await client.send(`MKD ${at(path)}`);
      }),
    isFolder: async (path) => (await told(() => client.cd(at(path)))) !== undefined,
    entries: (path) =>
      doing(async () => {
        // Not as an argument of the listing: some servers take that for a pattern.
        await client.cd(at(path));
        return (await client.list()).map(entryOf);
      }),
    close: () => client.close(),
  };
}

// A TLS socket that is ended while the last record of its handshake is being written ends without saying so in TLS, which
// servers take for a broken transfer: so it would be with an empty file. An empty write is done after that record.
async function* afterHandshake(client: Client, from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { dataSocket } = client.ftp;
  if (dataSocket instanceof TLSSocket) await new Promise((resolve) => dataSocket.write('', resolve));
  yield* from;
}

/** Lets `store` run with a data connection that is prepared for it. */
async function preparing(client: Client, startAt: number, store: () => Promise<void>): Promise<void> {
  const prepare = client.prepareTransfer;
  const prepareStore: typeof prepare = async (ftp) => {
    const answer = await prepare(ftp);
    // When the server ends it, that is no reason to end all: it says why on the other connection.
    const { dataSocket } = ftp;
    for (const event of ['error', 'close']) dataSocket?.removeAllListeners(event);
    dataSocket?.on('error', () => undefined);
    // A restart comes right before the command it is for. Source: RFC 3659, section 5.
    if (startAt > 0) await ftp.request(`REST ${startAt}`);
    return answer;
  };
  client.prepareTransfer = prepareStore;
  try {
    await store();
  } catch (error) {
    throw await reasonOf(client, error);
  } finally {
    // Unless it has been replaced meanwhile by the way that was found to work.
    if (client.prepareTransfer === prepareStore) client.prepareTransfer = prepare;
  }
}

/** What the server says of a transfer whose data connection has broken, or else how that broke. */
async function reasonOf(client: Client, error: unknown): Promise<unknown> {
  const isReply = error instanceof Error && 'code' in error && typeof error.code === 'number';
  if (isReply || client.closed) return error;
  const late = setTimeout(() => client.close(), REPLY_MS);
  try {
    const reply = await client.ftp.handle(undefined, (answer, task) => task.resolve(answer));
    if (reply instanceof Error) return client.closed ? error : reply;
    // It has taken the end of the connection for that of the file.
    client.close();
    return error;
  } catch {
    return error;
  } finally {
    clearTimeout(late);
  }
}

const REPLY_MS = 3_000;

function secondsOf(date: Date | undefined): number | undefined {
  const seconds = Math.floor((date?.getTime() ?? Number.NaN) / 1_000);
  return Number.isFinite(seconds) ? seconds : undefined;
}

function entryOf(info: FileInfo): FtpEntry {
  const mtime = secondsOf(info.modifiedAt);
  return {
    name: info.name,
    kind: info.isDirectory ? 'folder' : info.isFile ? 'file' : 'link',
    facts: mtime === undefined ? undefined : { size: info.size, mtime },
  };
}
