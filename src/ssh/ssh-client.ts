import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ConnectConfig } from 'ssh2';
import { createHostKeyCheck } from './host-key-check.js';
import type { HostSettings } from './host-settings.js';
import { loadSsh2, type Ssh2 } from './load-ssh2.js';
import { connectFailure, SshConnectError } from './ssh-errors.js';
import { createLogin } from './ssh-login.js';
import type { ResolvedSshOptions } from './ssh-options.js';

/** A connection that is logged in. */
export interface OpenClient {
  readonly client: Client;
  /** Resolves when it has ended, with what ended it if something failed. */
  readonly ended: Promise<Error | undefined>;
  /** Ends it at once. */
  destroy(): void;
}

export interface OpenOptions {
  readonly options: ResolvedSshOptions;
  /** Opens the stream to speak through; absent: a socket to the host. */
  readonly way?: (() => Promise<Duplex>) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Connects to a host, checks that it is the one it should be, and logs in.
 *
 * @throws {SluiceError} `SERVICE_FAILED`, `HOST_NOT_TRUSTED`, `ACCESS_DENIED`, `NOT_FOUND`, `PROTOCOL`,
 *   `PACKAGE_MISSING`, or with `signal.reason`
 */
export async function openClient(settings: HostSettings, { options, way, signal }: OpenOptions): Promise<OpenClient> {
  const ssh2 = await loadSsh2();
  const hostKey = await createHostKeyCheck(settings, HOST_KEY_ALGORITHMS);
  const login = createLogin(ssh2, settings, options);
  signal.throwIfAborted();
  const stream = await (way?.() ?? openSocket(settings, signal)).catch((error: unknown) => {
    throw connectFailure(settings.name, error, []);
  });
  let refusal: unknown;
  const config: ConnectConfig = {
    sock: stream,
    username: settings.user,
    readyTimeout: settings.connectTimeoutMs,
    keepaliveInterval: options.keepAliveMs,
    keepaliveCountMax: 3,
    authHandler: login.handler,
    hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
      hostKey.check(key).then(
        () => verify(true),
        (error: unknown) => {
          refusal = error;
          verify(false);
        },
      );
    },
  };
  if (hostKey.algorithms !== undefined) config.algorithms = { serverHostKey: hostKey.algorithms as never };
  return logIn(ssh2, config, {
    stream,
    signal,
    failure: (error) => refusal ?? connectFailure(settings.name, error, login.notes),
  });
}

// Those that ssh2 offers by default.
const HOST_KEY_ALGORITHMS: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
];

interface Attempt {
  readonly stream: Duplex;
  readonly signal: AbortSignal;
  readonly failure: (error: unknown) => unknown;
}

async function logIn(ssh2: Ssh2, config: ConnectConfig, { stream, signal, failure }: Attempt): Promise<OpenClient> {
  const client = new ssh2.Client();
  let failed: Error | undefined;
  const ended = new Promise<Error | undefined>((resolve) => {
    client.on('close', () => resolve(failed));
  });
  const onAbort = () => stream.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      client.on('ready', resolve);
      client.on('error', (error: Error & { level?: string }) => {
        // An agent that does not answer, or does not sign, is one way in less.
        if (error.level === 'agent') return;
        failed ??= error;
        reject(error);
      });
      void ended.then(() => reject(new Error('the server closed the connection before the login was done')));
      client.connect(config);
    });
  } catch (error) {
    stream.destroy();
    signal.throwIfAborted();
    throw failure(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return { client, ended, destroy: () => void stream.destroy() };
}

function openSocket({ name, host, port, connectTimeoutMs }: HostSettings, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, signal });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new SshConnectError(name, `no answer within ${connectTimeoutMs} ms`, undefined));
    }, connectTimeoutMs);
    socket.once('error', (error) => {
      clearTimeout(late);
      reject(signal.aborted ? signal.reason : error);
    });
    socket.once('connect', () => {
      clearTimeout(late);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
