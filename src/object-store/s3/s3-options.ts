import * as z from 'zod';
import { SluiceError } from '../../errors.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../retry-policy.js';
import { retrySchema } from '../retry-schema.js';

/** Keys of an AWS account, or of a server that speaks S3. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When the keys end; a provider is asked again before. */
  readonly expiration?: Date;
}

/** Options of `createS3Store`. What is left out is found as the AWS SDK finds it: environment, profile, role. */
export interface S3StoreOptions {
  bucket: string;
  /** Default: `AWS_REGION`, then the profile's. */
  region?: string;
  /** URL of a server that speaks S3. Default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, then Amazon's own. */
  endpoint?: string;
  /** Keys, or a function that gets them. Default: the SDK's provider chain. */
  credentials?: S3Credentials | (() => Promise<S3Credentials>);
  /** Profile of the AWS configuration files to take keys, region and the rest from. Default: `AWS_PROFILE`, `default`. */
  profile?: string;
  /** Whether requests are not signed, as for public buckets, which need no keys. Default: false. */
  anonymous?: boolean;
  /** Whether the owner of the keys pays for requests and transfer, which buckets may demand. Default: false. */
  requesterPays?: boolean;
  /** Sockets, and so the most requests at a time; of transfers, as many as the service takes. Default: 64. */
  concurrency?: number;
  /** Where the bucket's name stands in URLs. Default: `path` when an endpoint is set, `host` otherwise. */
  addressing?: 'path' | 'host';
  /** Longest silence on a connection, in milliseconds, before it counts as broken. Default: 30 s. */
  idleTimeoutMs?: number;
  /** Replaces parts of {@link DEFAULT_RETRY_POLICY}. */
  retry?: Partial<RetryPolicy>;
}

export type ResolvedS3StoreOptions = Omit<S3StoreOptions, 'retry' | 'addressing'> & {
  anonymous: boolean;
  requesterPays: boolean;
  concurrency: number;
  addressing: 'path' | 'host';
  idleTimeoutMs: number;
  retry: RetryPolicy;
};

const credentials = z.strictObject({
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  sessionToken: z.string().exactOptional(),
  expiration: z.date().exactOptional(),
  // The SDK's own providers add these, and the SDK writes the last one into what it is given.
  accountId: z.string().exactOptional(),
  credentialScope: z.string().exactOptional(),
  $source: z.unknown().optional(),
});

const fields = z.strictObject({
  bucket: z.string().regex(/^[^/\s]+$/, 'must be the name alone: my-bucket, neither s3://my-bucket nor a path'),
  region: z.string().min(1).exactOptional(),
  endpoint: z.url({ protocol: /^https?$/ }).exactOptional(),
  credentials: z
    .union([credentials, z.custom<() => Promise<S3Credentials>>((value) => typeof value === 'function')])
    .exactOptional(),
  profile: z.string().min(1).exactOptional(),
  anonymous: z.boolean().default(false),
  requesterPays: z.boolean().default(false),
  concurrency: z.int().positive().default(64),
  addressing: z.enum(['path', 'host']).exactOptional(),
  idleTimeoutMs: z.int().positive().default(30_000),
  retry: retrySchema.default(DEFAULT_RETRY_POLICY),
});

const schema = fields
  .refine(({ anonymous, requesterPays }) => !(anonymous && requesterPays), {
    message: 'anonymous and requesterPays exclude each other: somebody has to pay',
  })
  .refine(({ anonymous, credentials, profile }) => !anonymous || (credentials ?? profile) === undefined, {
    message: 'anonymous goes with neither credentials nor profile',
  });

/** @throws {SluiceError} `INVALID_OPTIONS`, naming every offending key at once, and never a key's secret. */
export function resolveS3StoreOptions(options: S3StoreOptions): ResolvedS3StoreOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw new SluiceError('INVALID_OPTIONS', `S3 store options: ${z.prettifyError(parsed.error)}`);
  const endpoint = parsed.data.endpoint ?? configuredEndpoint(process.env);
  return {
    ...parsed.data,
    ...(endpoint === undefined ? {} : { endpoint }),
    addressing: parsed.data.addressing ?? (endpoint === undefined ? 'host' : 'path'),
  };
}

// Source: "Service-specific endpoints", AWS SDKs and Tools Reference Guide. Read here because the SDK would find the
// endpoint as well, but not that servers other than Amazon's want the bucket in the path.
function configuredEndpoint(environment: NodeJS.ProcessEnv): string | undefined {
  if (environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return undefined;
  return environment.AWS_ENDPOINT_URL_S3 || environment.AWS_ENDPOINT_URL || undefined;
}
