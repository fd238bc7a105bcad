import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { httpPlace, sha256 } from '../../../fixtures/http/http-place.js';
import { type ScriptedProxy, startProxy } from '../../../fixtures/http/scripted-proxy.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

const proxies: ScriptedProxy[] = [];

/** A proxy, and an environment that names it. */
async function useProxy(variables: (url: string) => Record<string, string>): Promise<ScriptedProxy> {
  const proxy = await startProxy();
  proxies.push(proxy);
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'])
    vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(variables(proxy.url))) vi.stubEnv(name, value);
  return proxy;
}

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const proxy of proxies.splice(0)) await proxy.close();
});

test.each(['HTTP_PROXY', 'http_proxy'])(
  '%s names the proxy of http: files, with or without its scheme',
  async (name) => {
    for (const shorten of [(url: string) => url, (url: string) => url.replace('http://', '')]) {
      const proxy = await useProxy((url) => ({ [name]: shorten(url) }));
      const { server, fetch } = await httpPlace();
      const content = randomBytes(20 * 1024 * 1024);
      server.put('/a', content);
      expect(sha256(await fetch('/a'))).toBe(sha256(content));
      expect(new Set(proxy.asked)).toEqual(new Set([`GET ${server.origin}/a`]));
      expect(proxy.asked.length).toBeGreaterThan(1);
    }
  },
);

test('https: files go through a tunnel of HTTPS_PROXY, and through HTTP_PROXY not at all', async () => {
  const proxy = await useProxy((url) => ({ HTTPS_PROXY: url }));
  const { fetch } = await httpPlace({ retry: { attempts: 1 } });
  expect(await failureOf(fetch('https://127.0.0.1:9/a'))).toMatchObject({ code: 'SERVICE_FAILED' });
  expect(proxy.asked).toEqual(['CONNECT 127.0.0.1:9']);
  const other = await useProxy((url) => ({ HTTP_PROXY: url }));
  const direct = await httpPlace({ retry: { attempts: 1 } });
  await failureOf(direct.fetch('https://127.0.0.1:9/a'));
  expect(other.asked).toEqual([]);
});

test.each(['127.0.0.1', '*', 'other.org, 127.0.0.1'])('NO_PROXY=%s leaves the proxy out', async (list) => {
  const proxy = await useProxy((url) => ({ HTTP_PROXY: url, NO_PROXY: list }));
  const { server, fetch } = await httpPlace();
  server.put('/a', 'content');
  expect(String(await fetch('/a'))).toBe('content');
  expect(proxy.asked).toEqual([]);
});

test('a proxy gets its credentials, and asks for them by name; nobody else sees them', async () => {
  const proxy = await useProxy((url) => ({ HTTP_PROXY: url.replace('//', '//jo:secret-1@'), HTTPS_PROXY: url }));
  proxy.credentials = `Basic ${Buffer.from('jo:secret-1').toString('base64')}`;
  const { server, fetch } = await httpPlace();
  server.put('/a', 'content');
  expect(String(await fetch('/a'))).toBe('content');
  expect(JSON.stringify(server.requests)).not.toContain('proxy-authorization');
  proxy.credentials = 'another';
  for (const url of ['/a', 'https://127.0.0.1:9/a']) {
    const error = await failureOf<Error>(fetch(url));
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', message: expect.stringContaining('proxy') });
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('secret-1');
  }
});

test('a variable that names no proxy is told, without its text', async () => {
  await useProxy(() => ({ HTTP_PROXY: 'http://jo:secret-1@[' }));
  const { fetch } = await httpPlace();
  const error = await failureOf<Error>(fetch('/a'));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('HTTP_PROXY') });
  expect(`${error.stack} ${String(error.cause)}`).not.toContain('secret-1');
});
