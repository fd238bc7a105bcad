import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { resolveS3StoreOptions } from '../../../src/object-store/s3/s3-options.js';
import { createS3Store } from '../../../src/object-store/s3/s3-store.js';

afterEach(() => vi.unstubAllEnvs());

describe('options of an S3 store', () => {
  test('every option that does not fit is named at once', () => {
    const options = { bucket: 's3://b/x', endpoint: 'localhost:9000', concurrency: 0, colour: 'red' };
    expect(() => resolveS3StoreOptions(options)).toThrow(/colour[\s\S]*bucket|bucket[\s\S]*colour/);
    expect(() => resolveS3StoreOptions(options)).toThrow(/endpoint/);
    expect(() => resolveS3StoreOptions(options)).toThrow(/concurrency/);
  });

  test('wrong credentials are refused without being shown', () => {
    const credentials = { accessKeyId: '', secretAccessKey: 'very-secret' };
    expect(() => resolveS3StoreOptions({ bucket: 'b', credentials })).toThrow(/credentials/);
    expect(() => resolveS3StoreOptions({ bucket: 'b', credentials })).not.toThrow(/very-secret/);
  });

  test('Amazon is addressed by host name, other servers by path', () => {
    vi.stubEnv('AWS_ENDPOINT_URL', '');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', '');
    expect(resolveS3StoreOptions({ bucket: 'b' })).toMatchObject({ addressing: 'host' });
    expect(resolveS3StoreOptions({ bucket: 'b', endpoint: 'http://127.0.0.1:1' })).toMatchObject({
      addressing: 'path',
    });
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://localhost:2');
    expect(resolveS3StoreOptions({ bucket: 'b' })).toMatchObject({
      addressing: 'path',
      endpoint: 'http://localhost:2',
    });
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://localhost:3');
    expect(resolveS3StoreOptions({ bucket: 'b' })).toMatchObject({ endpoint: 'http://localhost:3' });
    expect(resolveS3StoreOptions({ bucket: 'b', addressing: 'host' })).toMatchObject({ addressing: 'host' });
  });
});

describe('an environment that says too little', () => {
  const emptyEnvironment = () => {
    for (const name of [
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
      'AWS_PROFILE',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
    ]) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent/config');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent/credentials');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  };

  test('no region is INVALID_OPTIONS that names the ways to give one', async () => {
    emptyEnvironment();
    await expect(createS3Store({ bucket: 'b' }).get('k')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/AWS_REGION/),
    });
  });

  test('no credentials are ACCESS_DENIED that names the ways to give some', async () => {
    emptyEnvironment();
    const store = createS3Store({ bucket: 'b', region: 'us-east-1', endpoint: 'http://127.0.0.1:9' });
    await expect(store.get('k')).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      message: expect.stringMatching(/AWS_ACCESS_KEY_ID/),
    });
    await expect(store.presign('k', { method: 'GET', expiresInSeconds: 9 })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    await store.close();
  });
});

describe('presigned URLs', () => {
  test('a URL for writing carries no checksum of an empty body', async () => {
    const credentials = { accessKeyId: 'AK', secretAccessKey: 'SK' };
    const store = createS3Store({ bucket: 'b', region: 'us-east-1', credentials });
    const url = await store.presign('k', { method: 'PUT', expiresInSeconds: 60 });
    expect(url).not.toMatch(/checksum/i);
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('60');
    await expect(store.presign('k', { method: 'PUT', expiresInSeconds: 8 * 86_400 })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
    await store.close();
  });
});

test('making a store does not load the SDK', () => {
  const script = `
    const { createS3Store } = await import('./src/object-store/s3/s3-store.ts');
    createS3Store({ bucket: 'b' });
    const { createRequire } = await import('node:module');
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('client-s3'));
    console.log(loaded.length);
  `;
  const output = execFileSync('npx', ['tsx', '--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(output.trim()).toBe('0');
});
