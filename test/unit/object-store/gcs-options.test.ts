import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { resolveGcsStoreOptions } from '../../../src/object-store/gcs/gcs-options.js';
import { createGcsStore } from '../../../src/object-store/gcs/gcs-store.js';

afterEach(() => vi.unstubAllEnvs());

const credentials = { client_email: 'me@example.com', private_key: 'very-secret' };

describe('options of a store of Cloud Storage', () => {
  test('every option that does not fit is named at once', () => {
    const options = {
      bucket: 'gs://b/x',
      endpoint: 'localhost:9000',
      concurrency: 0,
      colour: 'red',
      authentication: 'maybe',
    };
    const resolve = () => resolveGcsStoreOptions(options as never);
    for (const name of ['bucket', 'endpoint', 'concurrency', 'colour', 'authentication']) expect(resolve).toThrow(name);
  });

  test('wrong credentials are refused without being shown', () => {
    const wrong = { ...credentials, client_email: '' };
    expect(() => resolveGcsStoreOptions({ bucket: 'b', credentials: wrong })).toThrow(/credentials/);
    expect(() => resolveGcsStoreOptions({ bucket: 'b', credentials: wrong })).not.toThrow(/very-secret/);
  });

  test('a key file’s other fields do no harm', () => {
    const file = { type: 'service_account', project_id: 'p', token_uri: 'x', ...credentials };
    expect(resolveGcsStoreOptions({ bucket: 'b', credentials: file }).credentials).toEqual(credentials);
  });

  test('Google’s own endpoint is asked with credentials; another one without, unless they are given with it', () => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', '');
    expect(resolveGcsStoreOptions({ bucket: 'b' })).toMatchObject({
      endpoint: 'https://storage.googleapis.com',
      authentication: 'default',
    });
    const endpoint = 'http://127.0.0.1:1/';
    expect(resolveGcsStoreOptions({ bucket: 'b', endpoint })).toMatchObject({
      endpoint: 'http://127.0.0.1:1',
      authentication: 'none',
    });
    for (const given of [{ credentials }, { keyFile: '/key.json' }, { authentication: 'default' as const }]) {
      expect(resolveGcsStoreOptions({ bucket: 'b', endpoint, ...given })).toMatchObject({ authentication: 'default' });
    }
    expect(resolveGcsStoreOptions({ bucket: 'b', authentication: 'none' })).toMatchObject({ authentication: 'none' });
  });

  test.each([
    ['localhost:9000', 'http://localhost:9000'],
    ['http://localhost:9000/', 'http://localhost:9000'],
    ['https://gcs.example.com', 'https://gcs.example.com'],
  ])('STORAGE_EMULATOR_HOST=%s leads to %s', (host, endpoint) => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', host);
    expect(resolveGcsStoreOptions({ bucket: 'b' })).toMatchObject({ endpoint, authentication: 'none' });
    const own = 'http://127.0.0.1:1';
    expect(resolveGcsStoreOptions({ bucket: 'b', endpoint: own })).toMatchObject({ endpoint: own });
  });
});

describe('an environment that says too little', () => {
  test('no credentials are ACCESS_DENIED that names the ways to give some', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nonexistent/key.json');
    vi.stubEnv('STORAGE_EMULATOR_HOST', undefined);
    const store = createGcsStore({ bucket: 'b', endpoint: 'http://127.0.0.1:9', authentication: 'default' });
    const denied = { code: 'ACCESS_DENIED', message: expect.stringMatching(/gcloud auth application-default login/) };
    await expect(store.get('k')).rejects.toMatchObject(denied);
    await expect(store.presign('k', { method: 'GET', expiresInSeconds: 9 })).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
    });
    await store.close();
  });
});

describe('signed URLs', () => {
  const store = () => createGcsStore({ bucket: 'b', credentials });

  test.each([0, -1, 8 * 86_400, Number.NaN])('cannot be valid for %d seconds', async (expiresInSeconds) => {
    await expect(store().presign('k', { method: 'PUT', expiresInSeconds })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  test.each(['a/../b', './a', 'a/..'])('cannot name %s, which clients would take for another path', async (key) => {
    await expect(store().presign(key, { method: 'GET', expiresInSeconds: 9 })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });
});

test('making a store does not load the SDK', () => {
  const script = `
    const { createGcsStore } = await import('./src/object-store/gcs/gcs-store.ts');
    createGcsStore({ bucket: 'b' });
    const { createRequire } = await import('node:module');
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => /google/.test(path));
    console.log(loaded.length);
  `;
  const output = execFileSync('npx', ['tsx', '--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(output.trim()).toBe('0');
});
