import { createSign } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GcsServer, keyOf, startGcsServer, statusOf } from './gcs-server.js';

let server: GcsServer;
beforeAll(async () => {
  server = await startGcsServer({ anonymous: false });
});
afterAll(() => server.close());
beforeEach(() => {
  server.nowMs = () => Date.now();
});

const buckets = (headers: Record<string, string> = {}) =>
  statusOf(`${server.endpoint}/storage/v1/b?project=p`, { headers });

/** A JWT as service accounts sign it. */
async function jwt(claims: object = {}, head: object = { alg: 'RS256', typ: 'JWT' }): Promise<string> {
  const { client_email: iss, private_key: key, token_uri: aud } = await keyOf(server);
  const iat = Math.floor(Date.now() / 1000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(head)}.${part({ iss, aud, iat, exp: iat + 600, ...claims })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
}

async function token(assertion: string, grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
  const body = new URLSearchParams({ grant_type: grant, assertion });
  const { status, text } = await statusOf(`${server.endpoint}/token`, { method: 'POST', body });
  const { access_token, token_type, expires_in, error } = JSON.parse(text);
  return { status, access_token, token_type, expires_in, error };
}

describe('tokens', () => {
  test('without one nobody is let in, unless it is an emulator for all', async () => {
    expect(await buckets()).toMatchObject({ status: 401, reason: 'required' });
    const open = await startGcsServer();
    expect((await statusOf(`${open.endpoint}/storage/v1/b?project=p`)).status).toBe(200);
    const wrong = { headers: { authorization: 'Bearer wrong' } };
    expect((await statusOf(`${open.endpoint}/storage/v1/b?project=p`, wrong)).status).toBe(401);
    await open.close();
  });

  test('are traded for an assertion that the account signed, and let in until they expire', async () => {
    const { status, access_token, token_type, expires_in } = await token(await jwt());
    expect([status, token_type, expires_in]).toEqual([200, 'Bearer', 3599]);
    const headers = { authorization: `Bearer ${access_token}` };
    expect((await buckets(headers)).status).toBe(200);
    server.nowMs = () => Date.now() + 3_600_000;
    expect(await buckets(headers)).toMatchObject({ status: 401, reason: 'authError' });
  });

  test('that the account signed itself let in as well', async () => {
    const self = await jwt({ scope: 'https://www.googleapis.com/auth/cloud-platform' });
    expect((await buckets({ authorization: `Bearer ${self}` })).status).toBe(200);
  });

  test.each([
    ['of somebody else', { iss: 'somebody@else' }],
    ['for somebody else', { aud: 'https://oauth2.googleapis.com/token' }],
    ['that is over', { iat: 1_000_000_000, exp: 1_000_003_600 }],
    ['of tomorrow', { iat: Math.floor(Date.now() / 1000) + 86_400 }],
    ['without an end', { exp: 'never' }],
  ])('are not given for an assertion %s', async (_, claims) => {
    expect(await token(await jwt(claims))).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('are not given for a wrong signature, another algorithm or another grant', async () => {
    const good = await jwt();
    const other = good.slice(0, -4) + (good.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    expect(await token(other)).toMatchObject({ error: 'invalid_grant' });
    expect(await token(`${(await jwt({}, { alg: 'none' })).split('.').slice(0, 2).join('.')}.`)).toMatchObject({
      status: 400,
    });
    expect(await token('nonsense')).toMatchObject({ error: 'invalid_grant' });
    expect(await token(good, 'password')).toMatchObject({ error: 'unsupported_grant_type' });
    expect(await buckets({ authorization: `Bearer ${other}` })).toMatchObject({ status: 401 });
    expect(await buckets({ authorization: 'Basic abc' })).toMatchObject({ status: 401 });
  });

  test('are of a key that only this user can read, and that outlives a restart', async () => {
    const before = await keyOf(server);
    expect((await stat(server.keyFile)).mode & 0o777).toBe(0o600);
    const self = await jwt();
    await server.restart();
    expect((await keyOf(server)).private_key).toBe(before.private_key);
    expect((await buckets({ authorization: `Bearer ${self}` })).status).toBe(200);
  });
});

describe('signed URLs', () => {
  beforeAll(async () => {
    const headers = { authorization: `Bearer ${await jwt()}` };
    const made = { method: 'POST', headers, body: '{"name":"bucket"}' };
    expect((await statusOf(`${server.endpoint}/storage/v1/b?project=p`, made)).status).toBe(200);
    const upload = `${server.endpoint}/upload/storage/v1/b/bucket/o?uploadType=media&name=${encodeURIComponent(NAME)}`;
    expect((await statusOf(upload, { method: 'POST', headers, body: 'signed for' })).status).toBe(200);
  });

  const NAME = "a folder/ü %2F+'(x)!*?&=.txt";
  const sign = async (
    options: {
      action?: 'read' | 'write' | 'delete';
      name?: string;
      expires?: number;
      headers?: Record<string, string>;
    } = {},
  ) => {
    const { action = 'read', name = NAME, expires = Date.now() + 60_000, headers } = options;
    const [url] = await server.storage
      .bucket('bucket')
      .file(name)
      .getSignedUrl({ version: 'v4', action, expires, ...(headers && { extensionHeaders: headers }) });
    return url;
  };

  test('read, write and delete one object', async () => {
    expect(await statusOf(await sign())).toMatchObject({ status: 200, text: 'signed for' });
    const write = await sign({
      action: 'write',
      name: 'written',
      headers: { 'x-goog-meta-a': 'b', 'content-type': 'text/x' },
    });
    const headers = { 'x-goog-meta-a': 'b', 'content-type': 'text/x' };
    expect(await statusOf(write, { method: 'PUT', headers, body: 'by URL' })).toMatchObject({ status: 200 });
    const read = await statusOf(await sign({ name: 'written' }));
    expect([read.text, read.headers.get('x-goog-meta-a'), read.headers.get('content-type')]).toEqual([
      'by URL',
      'b',
      'text/x',
    ]);
    const head = await statusOf(await sign({ name: 'written' }), { headers: { range: 'bytes=3-' } });
    expect([head.status, head.text]).toEqual([206, 'URL']);
    expect((await statusOf(await sign({ action: 'delete', name: 'written' }), { method: 'DELETE' })).status).toBe(204);
    expect(await statusOf(await sign({ name: 'written' }))).toMatchObject({
      status: 404,
      text: expect.stringContaining('NoSuchKey'),
    });
  });

  test.each<[string, (url: URL) => unknown, RequestInit?]>([
    ['another object', (url) => Object.assign(url, { pathname: '/bucket/other' })],
    ['another method', () => undefined, { method: 'PUT', body: 'mine' }],
    ['longer than it was signed for', (url) => url.searchParams.set('X-Goog-Expires', '600000')],
    [
      'another account',
      (url) =>
        url.searchParams.set(
          'X-Goog-Credential',
          (url.searchParams.get('X-Goog-Credential') ?? '').replace('local', 'vocal'),
        ),
    ],
    ['with one parameter more', (url) => url.searchParams.set('generation', '1')],
    ['with another signature', (url) => url.searchParams.set('X-Goog-Signature', 'ab'.repeat(128))],
  ])('are good for nothing else: %s', async (_, change, init) => {
    const url = new URL(await sign());
    change(url);
    expect(await statusOf(url.href, init)).toMatchObject({
      status: 403,
      text: expect.stringContaining('SignatureDoesNotMatch'),
    });
  });

  test('are refused when a header that was signed is another', async () => {
    const url = await sign({ action: 'write', name: 'x', headers: { 'x-goog-meta-a': 'b' } });
    expect(await statusOf(url, { method: 'PUT', headers: { 'x-goog-meta-a': 'c' }, body: 'x' })).toMatchObject({
      status: 403,
    });
    expect(await statusOf(url, { method: 'PUT', body: 'x' })).toMatchObject({ status: 403 });
  });

  test('expire, as Cloud Storage says it with 400', async () => {
    const url = await sign();
    server.nowMs = () => Date.now() + 61_000;
    expect(await statusOf(url)).toMatchObject({ status: 400, text: expect.stringContaining('ExpiredToken') });
    server.nowMs = () => Date.now() - 3_600_000;
    expect(await statusOf(url)).toMatchObject({ status: 403 });
  });

  test.each(['X-Goog-Algorithm', 'X-Goog-Date', 'X-Goog-Expires', 'X-Goog-Signature'])(
    'need their %s',
    async (name) => {
      const url = new URL(await sign());
      url.searchParams.set(name, 'nonsense');
      expect((await statusOf(url.href)).status).toBe(400);
    },
  );

  test('hold conditions of a write', async () => {
    const headers = { 'x-goog-if-generation-match': '0' };
    const url = await sign({ action: 'write', name: 'once', headers });
    expect((await statusOf(url, { method: 'PUT', headers, body: '1' })).status).toBe(200);
    expect(await statusOf(url, { method: 'PUT', headers, body: '2' })).toMatchObject({
      status: 412,
      text: expect.stringContaining('PreconditionFailed'),
    });
  });
});
