import { expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { createHttpStaging } from '../../../../src/data/http/http-staging.js';
import { httpPlace, sha256 } from '../../../fixtures/http/http-place.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

const to = (location: string, status = 302) => ({ kind: 'status', status, headers: { location } }) as const;

test('redirects are followed, and credentials stay with their own host', async () => {
  const first = await httpPlace();
  const second = await httpPlace();
  await first.staging.close();
  const sites = { [first.server.origin]: { bearer: 'first-token', headers: { 'x-key': 'first-key' } } };
  const staging = createHttpStaging({ sites });
  second.server.put('/moved', 'content');
  first.server.onRequest = ({ path }) => to(path === '/a' ? '/b' : `${second.server.origin}/moved`);
  const place = { ...first, staging };
  const suggestedPath = `${place.folder}/copy`;
  const url = first.server.origin.replace('//', '//jo:first-password@');
  const { signal } = new AbortController();
  await staging.stageIn(new DataFile(`${url}/a`), { suggestedPath, signal });
  const basic = `Basic ${Buffer.from('jo:first-password').toString('base64')}`;
  expect(first.server.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
  expect(first.server.requests.map(({ headers }) => headers['x-key'])).toEqual(['first-key', 'first-key']);
  const [arrived] = second.server.requests;
  expect(arrived?.headers.authorization).toBeUndefined();
  expect(arrived?.headers['x-key']).toBeUndefined();
  await staging.close();
});

test('a circle of redirects ends', async () => {
  const { server, fetch } = await httpPlace({ redirects: 3 });
  server.onRequest = () => to('/again');
  const error = await failureOf<Error>(fetch('/a'));
  expect(error).toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringContaining('3 times') });
  expect(server.requests.length).toBe(4);
});

test('a folder in place of a file is told', async () => {
  const { server, fetch, left } = await httpPlace();
  server.onRequest = () => to('/data/', 301);
  const error = await failureOf<Error>(fetch('/data'));
  expect(error).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining('folder') });
  expect(await left()).toEqual([]);
});

test('parts are asked for where the file is, and where it began once that is over', async () => {
  const { server, fetch } = await httpPlace();
  const content = Buffer.alloc(40 * 1024 * 1024, 'x');
  server.put('/signed-1', content);
  server.put('/signed-2', content);
  server.onRequest = ({ path, count }) => {
    if (path === '/a') return to(count === 1 ? '/signed-1' : '/signed-2');
    return path === '/signed-1' && count > 3 ? { kind: 'status', status: 403 } : undefined;
  };
  expect(sha256(await fetch('/a'))).toBe(sha256(content));
  const asked = new Set(server.requests.map(({ path }) => path));
  expect([...asked].sort()).toEqual(['/a', '/signed-1', '/signed-2']);
  expect(server.requests[2]?.path).toBe('/signed-1');
});

test('a write is sent on with its body', async () => {
  const { server, staging, folder } = await httpPlace();
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${folder}/out`, 'content');
  server.onRequest = ({ path }) => (path === '/a' ? to('/b', 307) : undefined);
  const { signal } = new AbortController();
  await staging.stageOut(new DataFile(`${server.origin}/a`), { path: `${folder}/out`, signal });
  expect(String(server.files.get('/b')?.content)).toBe('content');
});
