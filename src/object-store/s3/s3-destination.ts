import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { openS3Client } from './s3-client.js';
import type { ResolvedS3StoreOptions, S3Credentials } from './s3-options.js';

/** Where requests about a bucket go, and what they are signed with. */
export interface S3Destination {
  /** Scheme, host and port. */
  readonly origin: string;
  /** As the header `host` says it. */
  readonly host: string;
  /** What stands before `/key`: empty where the host names the bucket. */
  readonly path: string;
  readonly region: string;
  credentials(): Promise<S3Credentials>;
}

/**
 * The destination that the AWS SDK would choose. It is asked only where options and environment leave something open: loading
 * it takes longer than most transfers do, and is most of the start of a program that makes one.
 *
 * @throws {SluiceError} `INVALID_OPTIONS` when no region is known, and for a bucket that needs another signature
 */
export async function destinationOf(options: ResolvedS3StoreOptions): Promise<S3Destination> {
  return plainDestination(options, process.env) ?? (await askedDestination(options));
}

/** The destination, where options and environment say all of it in plain words; `undefined` where they do not. */
export function plainDestination(
  options: ResolvedS3StoreOptions,
  environment: NodeJS.ProcessEnv,
): S3Destination | undefined {
  const region = options.region ?? environment.AWS_REGION;
  const credentials = plainCredentials(options, environment);
  const url = plainUrl(options, region, environment);
  if (!region || credentials === undefined || url === undefined) return undefined;
  return {
    origin: url.origin,
    host: url.host,
    path: url.pathname.replace(/\/$/, ''),
    region,
    credentials: () => Promise.resolve(credentials),
  };
}

// Source: "Standardized credential providers", AWS SDKs and Tools Reference Guide: variables come first, unless a profile is named.
function plainCredentials(
  { credentials, profile, anonymous }: ResolvedS3StoreOptions,
  environment: NodeJS.ProcessEnv,
): S3Credentials | undefined {
  if (anonymous) return { accessKeyId: '', secretAccessKey: '' };
  // A function is asked again before its keys end, by the SDK.
  if (credentials !== undefined) return typeof credentials === 'function' ? undefined : credentials;
  if ((profile ?? environment.AWS_PROFILE ?? environment.AWS_CREDENTIAL_EXPIRATION) !== undefined) return undefined;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = environment;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }) };
}

// Sources: "Virtual hosting of buckets" and "Bucket naming rules", S3 User Guide.
function plainUrl(
  { bucket, endpoint, addressing }: ResolvedS3StoreOptions,
  region: string | undefined,
  environment: NodeJS.ProcessEnv,
): URL | undefined {
  if (VARIANTS.some((name) => environment[name] !== undefined)) return undefined;
  if (endpoint !== undefined) {
    if (addressing !== 'path' || !/^[\w.-]+$/.test(bucket) || RESERVED.test(bucket)) return undefined;
    const base = new URL(endpoint);
    return base.search === '' && base.username === ''
      ? new URL(`${base.href.replace(/\/$/, '')}/${bucket}`)
      : undefined;
  }
  const isPlain = addressing === 'host' && /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket) && !RESERVED.test(bucket);
  if (!isPlain || region === undefined || !COMMON_REGION.test(region)) return undefined;
  // It may name an endpoint, or ask for a variant of Amazon's.
  const configuration = environment.AWS_CONFIG_FILE ?? join(homedir(), '.aws', 'config');
  return existsSync(configuration) ? undefined : new URL(`https://${bucket}.s3.${region}.amazonaws.com`);
}

// Variables that ask for other endpoints than the common ones.
const VARIANTS = ['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT', 'AWS_S3_USE_ARN_REGION'];
// Endings of names that are not those of general purpose buckets.
const RESERVED = /(-s3alias|--ol-s3|--x-s3|--table-s3|\.mrap)$/;
// China, GovCloud and the isolated regions have domains of their own.
const COMMON_REGION = /^(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d$/;

/** The destination, as the SDK finds it. */
export async function askedDestination(options: ResolvedS3StoreOptions): Promise<S3Destination> {
  const { sdk, client } = await openS3Client(options);
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  // The one public way to learn where the SDK would send a request, and what it would sign it for.
  const example = new URL(await getSignedUrl(client, new sdk.GetObjectCommand({ Bucket: options.bucket, Key: 'k' })));
  return {
    origin: example.origin,
    host: example.host,
    path: example.pathname.slice(0, -'/k'.length),
    region: regionOf(example, options.bucket),
    credentials: () => client.config.credentials(),
  };
}

function regionOf(example: URL, bucket: string): string {
  const [, , region, service] = (example.searchParams.get('X-Amz-Credential') ?? '').split('/');
  if (service === 's3' && region !== undefined) return region;
  throw new SluiceError(
    'INVALID_OPTIONS',
    `s3://${bucket}: directory buckets and multi-Region access points are signed in ways of their own, which is not supported: name a general purpose bucket`,
  );
}
