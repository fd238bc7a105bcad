import type { Storage } from '@google-cloud/storage';
import type { Answer, AnswerSignals } from '../../http/answer.js';
import { HttpPool } from '../../http/http-pool.js';
import type { ResolvedGcsStoreOptions } from './gcs-options.js';

/** One HTTP request. */
export interface GcsCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface GcsClient {
  /** The SDK's client: it knows who we are, and signs URLs. */
  readonly storage: Storage;
  /**
   * Sends one request, with credentials, once, and gives its answer, whatever the status. Rejects with a
   * {@link GcsCredentialsError} when there are none.
   */
  send(call: GcsCall, signals: AnswerSignals): Promise<Answer>;
  close(): void;
}

/** Credentials could not be had; the cause says why. */
export class GcsCredentialsError extends Error {
  override readonly name = 'GcsCredentialsError';
}

/**
 * Loads the SDK and makes a client with its credentials and our sockets.
 *
 * Requests are our own, in Google's JSON API. Those of the SDK (node-fetch 2, underneath) cannot be aborted, wait for
 * ever for a body that breaks off before it is read, keep the connection of one that is left early, and take what looks
 * like a placeholder in a key for its project's.
 */
export async function openGcsClient(options: ResolvedGcsStoreOptions): Promise<GcsClient> {
  const { Storage } = await import('@google-cloud/storage');
  const storage = new Storage({
    apiEndpoint: options.endpoint,
    retryOptions: { autoRetry: false },
    ...(options.keyFile !== undefined && { keyFilename: options.keyFile }),
    ...(options.credentials !== undefined && { credentials: { ...options.credentials } }),
  });
  // For all origins: the service says itself where an upload goes on.
  const pool = new HttpPool({ connections: options.concurrency, idleMs: options.idleTimeoutMs });
  return {
    storage,
    async send({ method, url, headers, body }, signals) {
      const identity = options.authentication === 'none' ? {} : await identityFor(storage, url);
      signals.signal.throwIfAborted();
      const { origin, pathname, search } = new URL(url);
      const request = {
        origin,
        method,
        path: pathname + search,
        // Bytes as they are stored: what is compressed stays so, or its size and checksum would not fit.
        headers: { 'accept-encoding': 'gzip', 'user-agent': 'sluice', ...headers, ...identity },
        body,
      };
      return pool.send(request, signals);
    },
    // What still waits for an answer has been given up by its caller.
    close: () => pool.destroy(),
  };
}

async function identityFor({ authClient }: Storage, url: string): Promise<Record<string, string>> {
  try {
    const client = await authClient.getClient();
    // A service account signs its own tokens: no round trip to a token endpoint. Source: AIP-4111, "Self-signed JWT".
    if ('useJWTAccessWithScope' in client) client.useJWTAccessWithScope = true;
    return (await client.getRequestHeaders(url)) as Record<string, string>;
  } catch (cause) {
    throw new GcsCredentialsError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
