import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, truncateSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { DataFile } from '../../../../src/data/data-file.js';
import { createHttpStaging } from '../../../../src/data/http/http-staging.js';
import type { HttpSite } from '../../../../src/data/http/http-staging-options.js';
import type { StageOutSource } from '../../../../src/data/staging.js';
import { type HttpPlace, httpPlace, sha256 } from '../../../fixtures/http/http-place.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

const MEBIBYTE = 1024 * 1024;
const { signal: never } = new AbortController();

/** Sends a content to a path of the place's server. */
async function send(
  { server, staging, folder }: HttpPlace,
  content: Uint8Array | string,
  { path = '/place/out.bin', ...source }: Partial<StageOutSource> & { path?: string } = {},
) {
  const local = join(folder, 'local');
  await writeFile(local, content);
  return staging.stageOut(new DataFile(server.origin + path), { path: local, signal: never, ...source });
}

/** A place whose server is a site with these options. */
async function placeWith(site: HttpSite): Promise<HttpPlace> {
  const place = await httpPlace();
  await place.staging.close();
  const staging = createHttpStaging({ retry: { baseDelayMs: 1 }, sites: { [place.server.origin]: site } });
  return { ...place, staging };
}

describe.each<[string, HttpSite]>([
  ['by PUT', {}],
  ['by PUT and MOVE', { upload: 'move' }],
])('an output %s', (_, site) => {
  test('comes through broken connections, with every byte of progress told once', async () => {
    const place = await placeWith(site);
    const content = randomBytes(9 * MEBIBYTE);
    place.server.onRequest = ({ count }) => (count <= 2 ? { kind: 'cut', afterBytes: count * MEBIBYTE } : undefined);
    let progress = 0;
    const onProgress = (bytes: number) => {
      progress += bytes;
    };
    const identity = await send(place, content, { onProgress });
    expect(progress).toBe(content.length);
    expect([...place.server.files.keys()]).toEqual(['/place/out.bin']);
    expect(sha256(place.server.files.get('/place/out.bin')?.content ?? Buffer.of())).toBe(sha256(content));
    expect(await place.staging.identity(new DataFile(`${place.server.origin}/place/out.bin`))).toEqual(identity);
  });

  test('leaves nothing when it is aborted', async () => {
    const place = await placeWith(site);
    const stop = new AbortController();
    let told = 0;
    const onProgress = (bytes: number) => {
      told += bytes;
      if (told > MEBIBYTE) stop.abort(new Error('enough'));
    };
    const sending = send(place, randomBytes(9 * MEBIBYTE), { signal: stop.signal, onProgress });
    await expect(sending).rejects.toThrow('enough');
    expect([...place.server.files.keys()]).toEqual([]);
    await place.staging.close();
    while ((await place.server.openSockets()) > 0) await sleep(5);
  });

  test('that others may not replace is not replaced', async () => {
    const place = await placeWith({ ...site, overwrite: false });
    await send(place, 'first');
    const error = await failureOf<Error>(send(place, 'second'));
    expect(error).toMatchObject({ code: 'PRECONDITION_FAILED', message: expect.stringContaining('overwrite') });
    expect(String(place.server.files.get('/place/out.bin')?.content)).toBe('first');
    expect(place.server.files.size).toBe(1);
  });
});

test('a write whose answer was lost is done again', async () => {
  const place = await httpPlace();
  place.server.onRequest = ({ count }) => (count === 1 ? { kind: 'cutAnswer' } : undefined);
  await send(place, 'content');
  expect(place.server.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT']);
});

test.each([
  [401, 'ACCESS_DENIED'],
  [403, 'ACCESS_DENIED'],
  [404, 'NOT_FOUND'],
  [405, 'INVALID_OPTIONS'],
  [409, 'NOT_FOUND'],
  [413, 'INVALID_OPTIONS'],
  [507, 'SERVICE_FAILED'],
  [202, 'SERVICE_FAILED'],
])('status %d to a write is %s', async (status, code) => {
  const place = await httpPlace({ retry: { attempts: 2, baseDelayMs: 1 } });
  place.server.onRequest = () => ({ kind: 'status', status });
  const error = await failureOf<Error>(send(place, randomBytes(MEBIBYTE)));
  expect(error).toMatchObject({ code, message: expect.stringContaining('/place/out.bin') });
});

test('a local file that grows, or shrinks, meanwhile fails', async () => {
  const place = await httpPlace();
  const local = join(place.folder, 'local');
  let done = false;
  const once = (change: () => void) => () => {
    if (!done) change();
    done = true;
  };
  const growing = send(place, randomBytes(MEBIBYTE), { onProgress: once(() => appendFileSync(local, 'more')) });
  expect(await failureOf(growing)).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining(local) });
  done = false;
  place.server.files.clear();
  const shrinking = send(place, randomBytes(9 * MEBIBYTE), { onProgress: once(() => truncateSync(local, MEBIBYTE)) });
  const error = await failureOf<Error>(shrinking);
  expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('shorter') });
  expect(place.server.files.size).toBe(0);
});

test('what is of another length there is told', async () => {
  const place = await httpPlace();
  place.server.manners = { ...place.server.manners, tag: 'none' };
  place.server.onRequest = ({ method }) => {
    if (method === 'HEAD') place.server.put('/place/out.bin', 'half');
    return undefined;
  };
  const error = await failureOf<Error>(send(place, 'the whole'));
  expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringMatching(/9 bytes .* 4 are there/) });
});

test('a server that only takes files says nothing of them', async () => {
  const place = await httpPlace();
  place.server.manners = { ...place.server.manners, tag: 'none' };
  place.server.onRequest = ({ method }) => (method === 'PUT' ? undefined : { kind: 'status', status: 403 });
  expect(await send(place, 'content')).toBeUndefined();
  expect(String(place.server.files.get('/place/out.bin')?.content)).toBe('content');
});

test('a folder is no place for an output', async () => {
  const place = await httpPlace();
  expect(await failureOf(send(place, 'content', { path: '/place/' }))).toMatchObject({ code: 'INVALID_OPTIONS' });
  expect(place.server.requests).toEqual([]);
});

test('an MD5 goes along where the URL is signed, or the site wants it', async () => {
  const signed = await httpPlace();
  const md5 = createHash('md5').update('content').digest('base64');
  await send(signed, 'content', { path: '/k?X-Amz-Date=29990101T000000Z&X-Amz-Expires=60&X-Amz-Signature=x' });
  expect(signed.server.requests[0]?.headers['content-md5']).toBe(md5);
  await send(signed, 'content', { path: '/k?Signature=x&Expires=32503680000' });
  expect(signed.server.requests[1]?.headers['content-md5']).toBeUndefined();
  const wanted = await placeWith({ contentMd5: true });
  await send(wanted, 'content');
  expect(wanted.server.requests[0]?.headers['content-md5']).toBe(md5);
});
