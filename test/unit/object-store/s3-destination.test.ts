import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { askedDestination, plainDestination } from '../../../src/object-store/s3/s3-destination.js';
import { resolveS3StoreOptions, type S3StoreOptions } from '../../../src/object-store/s3/s3-options.js';

const NAMES = [
  'AWS_REGION',
  'AWS_PROFILE',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
];

beforeEach(() => {
  for (const name of NAMES) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(() => vi.unstubAllEnvs());

const KEYS = { accessKeyId: 'AKIA', secretAccessKey: 'secret' };

const plain = (options: S3StoreOptions) => plainDestination(resolveS3StoreOptions(options), process.env);

describe('a destination that nobody has to be asked for', () => {
  test.each<S3StoreOptions>([
    { bucket: 'my-bucket', region: 'us-east-1', credentials: KEYS },
    { bucket: 'my-bucket', region: 'eu-central-1', credentials: { ...KEYS, sessionToken: 'token' } },
    { bucket: 'b12', region: 'ap-southeast-4', credentials: KEYS },
    { bucket: 'my-bucket', region: 'us-east-1', endpoint: 'http://127.0.0.1:9000', credentials: KEYS },
    { bucket: 'My.Bucket_2', region: 'us-east-1', endpoint: 'https://s3.example.org', credentials: KEYS },
    { bucket: 'my-bucket', region: 'nowhere', endpoint: 'https://example.org:8443/s3/', credentials: KEYS },
    { bucket: 'my-bucket', region: 'us-west-2', anonymous: true },
  ])('is the SDK’s: $bucket in $region, $endpoint', async (options) => {
    const found = plain(options);
    const asked = await askedDestination(resolveS3StoreOptions(options));
    expect(found).toBeDefined();
    const { credentials, ...place } = found as NonNullable<typeof found>;
    expect(place).toEqual({ origin: asked.origin, host: asked.host, path: asked.path, region: asked.region });
    if (options.anonymous !== true) expect(await asked.credentials()).toMatchObject(await credentials());
  });

  test('takes keys and region from the environment, as the SDK does', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    vi.stubEnv('AWS_SESSION_TOKEN', 'token');
    const found = plain({ bucket: 'my-bucket' });
    const asked = await askedDestination(resolveS3StoreOptions({ bucket: 'my-bucket' }));
    expect(found).toMatchObject({ host: 'my-bucket.s3.eu-west-1.amazonaws.com', region: 'eu-west-1' });
    expect(found?.host).toBe(asked.host);
    expect(await found?.credentials()).toEqual({ ...KEYS, sessionToken: 'token' });
    expect(await asked.credentials()).toMatchObject({ ...KEYS, sessionToken: 'token' });
  });
});

describe('the SDK is asked', () => {
  const known = { bucket: 'my-bucket', region: 'us-east-1', credentials: KEYS };

  test.each<[string, S3StoreOptions]>([
    ['for a region', { bucket: 'my-bucket', credentials: KEYS }],
    ['for keys', { bucket: 'my-bucket', region: 'us-east-1' }],
    ['for keys of a profile', { bucket: 'my-bucket', region: 'us-east-1', profile: 'work' }],
    ['for keys that a function gives', { ...known, credentials: async () => KEYS }],
    ['for a bucket with dots', { ...known, bucket: 'my.bucket' }],
    ['for an access point', { ...known, bucket: 'my-point-0123-s3alias' }],
    ['for a directory bucket', { ...known, bucket: 'my-bucket--use1-az4--x-s3' }],
    ['for a region of another partition', { ...known, region: 'cn-north-1' }],
    ['for GovCloud', { ...known, region: 'us-gov-west-1' }],
    ['for a bucket in the host of a server', { ...known, endpoint: 'http://localhost:9000', addressing: 'host' }],
  ])('%s', (_, options) => {
    expect(plain(options)).toBeUndefined();
  });

  test.each(['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT'])('where %s is set', (name) => {
    vi.stubEnv(name, 'true');
    expect(plain(known)).toBeUndefined();
  });

  test('where a configuration file may name an endpoint', () => {
    vi.stubEnv('AWS_CONFIG_FILE', import.meta.filename);
    expect(plain(known)).toBeUndefined();
  });

  test('for keys where a profile is named, whatever other variables say', () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIA');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    expect(plain({ bucket: 'my-bucket', region: 'us-east-1' })).toBeDefined();
    vi.stubEnv('AWS_PROFILE', 'work');
    expect(plain({ bucket: 'my-bucket', region: 'us-east-1' })).toBeUndefined();
  });
});
