import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../retry-policy.js';
import { retrySchema } from '../retry-schema.js';

/** A service account's key, as its key file has it; further fields of the file are ignored. */
export interface GcsCredentials {
  readonly client_email: string;
  readonly private_key: string;
}

/** Options of `createGcsStore`. What is left out is found as Google's SDKs find it: Application Default Credentials. */
export interface GcsStoreOptions {
  bucket: string;
  /** URL of a server that speaks the JSON API. Default: `STORAGE_EMULATOR_HOST`, then Google's own. */
  endpoint?: string;
  /** A service account's key. Default: {@link keyFile}. */
  credentials?: GcsCredentials;
  /** Path of a key file. Default: Application Default Credentials (`GOOGLE_APPLICATION_CREDENTIALS`, `gcloud`, the machine's). */
  keyFile?: string;
  /**
   * `none` sends no credentials, for public buckets and emulators. Default: `none` where another endpoint is set and no
   * credentials are given with it, as Google's SDKs do; `default` otherwise.
   */
  authentication?: 'default' | 'none';
  /** Project that pays for requests to buckets whose requester pays. */
  userProject?: string;
  /** Sockets, and so the most requests at a time; of transfers, as many as the service takes. Default: 64. */
  concurrency?: number;
  /** Longest silence on a connection, in milliseconds, before it counts as broken. Default: 30 s. */
  idleTimeoutMs?: number;
  /** Replaces parts of {@link DEFAULT_RETRY_POLICY}. */
  retry?: Partial<RetryPolicy>;
}

export type ResolvedGcsStoreOptions = Omit<GcsStoreOptions, 'endpoint' | 'authentication' | 'retry'> & {
  /** Without a trailing slash. */
  endpoint: string;
  authentication: 'default' | 'none';
  concurrency: number;
  idleTimeoutMs: number;
  retry: RetryPolicy;
};

const schema = z.strictObject({
  bucket: z.string().regex(/^[^/\s]+$/, 'must be the name alone: my-bucket, neither gs://my-bucket nor a path'),
  endpoint: z.url({ protocol: /^https?$/ }).exactOptional(),
  credentials: z.object({ client_email: z.string().min(1), private_key: z.string().min(1) }).exactOptional(),
  keyFile: z.string().min(1).exactOptional(),
  authentication: z.enum(['default', 'none']).exactOptional(),
  userProject: z.string().min(1).exactOptional(),
  concurrency: z.int().positive().default(64),
  idleTimeoutMs: z.int().positive().default(30_000),
  retry: retrySchema.default(DEFAULT_RETRY_POLICY),
});

/** Google's own endpoint. */
const GOOGLE_ENDPOINT = 'https://storage.googleapis.com';

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and never a private key. */
export function resolveGcsStoreOptions(options: GcsStoreOptions): ResolvedGcsStoreOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw new SluiceError('INVALID_OPTIONS', `GCS store options: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  const own = data.endpoint ?? emulatorEndpoint(process.env);
  const unauthenticated = own !== undefined && data.credentials === undefined && data.keyFile === undefined;
  return {
    ...data,
    endpoint: (own ?? GOOGLE_ENDPOINT).replace(/\/+$/, ''),
    authentication: data.authentication ?? (unauthenticated ? 'none' : 'default'),
  };
}

// Source: the client libraries, which take a host without a scheme for one of plain HTTP.
function emulatorEndpoint({ STORAGE_EMULATOR_HOST: host }: NodeJS.ProcessEnv): string | undefined {
  if (host === undefined || host === '') return undefined;
  return /^https?:\/\//.test(host) ? host : `http://${host}`;
}
