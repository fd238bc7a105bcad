import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { httpPlace, sha256 } from '../../../fixtures/http/http-place.js';
import type { Fault, Manners, SeenRequest } from '../../../fixtures/http/scripted-server.js';
import { failureOf } from '../../../fixtures/kernel/failure-of.js';

const MEBIBYTE = 1024 * 1024;

/** Every third request breaks off somewhere in what it would bring. */
const cutEveryThird = ({ count, headers }: SeenRequest): Fault | undefined => {
  if (count % 3 !== 0) return undefined;
  const [, from = 0, to = 40 * MEBIBYTE] = (/^bytes=(\d+)-(\d+)?$/.exec(headers.range ?? '') ?? []).map(Number);
  return { kind: 'cut', afterBytes: Math.floor(Math.random() * (to - from)) };
};

test('parts of a large file come at a time', async () => {
  const { server, fetch } = await httpPlace({ parallelParts: 4 });
  const content = randomBytes(40 * MEBIBYTE);
  server.put('/data.bin', content);
  let allThere = () => {};
  const four = new Promise<undefined>((resolve) => {
    allThere = () => resolve(undefined);
  });
  server.onRequest = ({ count }) => {
    if (count === 4) allThere();
    return count === 1 ? undefined : four;
  };
  expect(sha256(await fetch('/data.bin'))).toBe(sha256(content));
  // The first goes on from the front.
  expect(server.requests[0]?.headers.range).toBeUndefined();
  const others = server.requests.slice(1, 4).map(({ headers }) => headers.range);
  const parts = [16, 24, 32].map((start) => `bytes=${start * MEBIBYTE}-${(start + 8) * MEBIBYTE - 1}`);
  expect(others.sort()).toEqual(parts);
});

describe('broken connections', () => {
  test.each<[string, Partial<Manners>]>([
    ['with parts by tag', {}],
    ['with parts by date', { tag: 'none' }],
    ['with a weak tag and a date', { tag: 'weak' }],
  ])('are taken up where they broke: %s', async (_, manners) => {
    const { server, fetch } = await httpPlace();
    server.manners = { ...server.manners, ...manners };
    const content = randomBytes(40 * MEBIBYTE);
    server.put('/data.bin', content);
    server.onRequest = cutEveryThird;
    let progress = 0;
    const onProgress = (bytes: number) => {
      progress += bytes;
    };
    expect(sha256(await fetch('/data.bin', { onProgress }))).toBe(sha256(content));
    expect(progress).toBe(content.length);
    expect(server.requests.length).toBeGreaterThan(3);
  });

  test.each<[string, Partial<Manners>]>([
    ['without parts', { ranges: 'none' }],
    ['with parts that are only promised', { ranges: 'promised' }],
    ['with nothing that tells contents apart', { tag: 'none', date: false }],
    ['without a length', { length: 'chunked', tag: 'none', date: false }],
  ])('begin again: %s', async (_, manners) => {
    const { server, fetch } = await httpPlace();
    server.manners = { ...server.manners, ...manners };
    const content = randomBytes(3 * MEBIBYTE);
    server.put('/data.bin', content);
    server.onRequest = ({ count }) => (count <= 2 ? { kind: 'cut', afterBytes: 2 * MEBIBYTE } : undefined);
    let progress = 0;
    const onProgress = (bytes: number) => {
      progress += bytes;
    };
    expect(sha256(await fetch('/data.bin', { onProgress }))).toBe(sha256(content));
    expect(progress).toBe(content.length);
  });

  test('that never bring a byte more end in an error by name, and leave nothing', async () => {
    const { server, fetch, left } = await httpPlace();
    server.put('/data.bin', randomBytes(MEBIBYTE));
    server.onRequest = ({ count }) => ({ kind: 'cut', afterBytes: count === 1 ? 1000 : 0 });
    const error = await failureOf<Error>(fetch('/data.bin'));
    expect(error).toMatchObject({ code: 'TRANSFER_FAILED', class: 'infrastructure' });
    expect(error.message).toContain(`${server.origin}/data.bin`);
    expect(await left()).toEqual([]);
  });

  test('that go silent count as broken', async () => {
    const { server, fetch } = await httpPlace({ idleTimeoutMs: 200 });
    const content = randomBytes(MEBIBYTE);
    server.put('/data.bin', content);
    server.onRequest = ({ count }) => (count === 1 ? { kind: 'silence', afterBytes: 5000 } : undefined);
    expect(sha256(await fetch('/data.bin'))).toBe(sha256(content));
    expect(server.requests[1]?.headers.range).toBe(`bytes=5000-${MEBIBYTE - 1}`);
  });
});

describe('a busy server', () => {
  test.each([500, 502, 503, 504, 429, 408])('that answers %d is asked again', async (status) => {
    const { server, fetch } = await httpPlace();
    server.put('/a', 'content');
    server.onRequest = ({ count }) => (count < 3 ? { kind: 'status', status } : undefined);
    expect(String(await fetch('/a'))).toBe('content');
    expect(server.requests.length).toBe(3);
  });

  test.each([
    [500, 'SERVICE_FAILED'],
    [429, 'THROTTLED'],
  ])('that goes on to answer %d is %s', async (status, code) => {
    const { server, fetch, left } = await httpPlace({ retry: { attempts: 3, baseDelayMs: 1 } });
    server.onRequest = () => ({ kind: 'status', status, body: 'all of this is the server own text' });
    const error = await failureOf<Error>(fetch('/a'));
    expect(error).toMatchObject({ code, class: 'infrastructure', message: expect.stringContaining(String(status)) });
    expect(server.requests.length).toBe(3);
    expect(await left()).toEqual([]);
  });

  test('is left alone for as long as it asks', async () => {
    const { server, fetch } = await httpPlace();
    server.put('/a', 'content');
    const headers = { 'retry-after': '1' };
    server.onRequest = ({ count }) => (count === 1 ? { kind: 'status', status: 503, headers } : undefined);
    const startedAt = performance.now();
    await fetch('/a');
    expect(performance.now() - startedAt).toBeGreaterThan(990);
  });

  test('that asks for longer than one waits is given up at once', async () => {
    const { server, fetch } = await httpPlace({ longestRetryAfterMs: 10_000 });
    const headers = { 'retry-after': '3600' };
    server.onRequest = () => ({ kind: 'status', status: 429, headers });
    const error = await failureOf<Error>(fetch('/a'));
    expect(error).toMatchObject({ code: 'THROTTLED', message: expect.stringContaining('3600 s') });
    expect(server.requests.length).toBe(1);
  });

  test('that takes one connection only brings the file by that one', async () => {
    const { server, fetch } = await httpPlace();
    const content = randomBytes(40 * MEBIBYTE);
    server.put('/data.bin', content);
    server.onRequest = ({ count }) => (count > 1 ? { kind: 'status', status: 503 } : undefined);
    expect(sha256(await fetch('/data.bin'))).toBe(sha256(content));
    // Each of the others asked once, and let it be.
    expect(server.requests.length).toBe(4);
  });
});

describe('another content', () => {
  const replaced = randomBytes(40 * MEBIBYTE);
  test.each<[string, Partial<Manners>]>([
    ['by tag', {}],
    ['by date', { tag: 'none' }],
  ])('that comes meanwhile is found out, %s', async (_, manners) => {
    const { server, fetch, left } = await httpPlace();
    server.manners = { ...server.manners, ...manners };
    server.put('/data.bin', randomBytes(40 * MEBIBYTE));
    server.onRequest = ({ count }) => {
      if (count === 2) server.files.set('/data.bin', { content: replaced, modifiedMs: Date.now() - 5_000 });
      return undefined;
    };
    const error = await failureOf<Error>(fetch('/data.bin'));
    expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('changed') });
    expect(await left()).toEqual([]);
  });

  test('of another length is found out as well', async () => {
    const { server, fetch, left } = await httpPlace();
    server.put('/data.bin', randomBytes(MEBIBYTE));
    server.onRequest = ({ count }) => {
      if (count === 2) server.put('/data.bin', 'short');
      return count === 1 ? { kind: 'cut', afterBytes: 100_000 } : undefined;
    };
    expect(await failureOf(fetch('/data.bin'))).toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await left()).toEqual([]);
  });

  test('of a small file that became large meanwhile is not gathered in memory', async () => {
    const { server, fetch, left } = await httpPlace();
    server.manners = { ...server.manners, tag: 'none', date: false };
    server.put('/a', 'small enough');
    server.onRequest = ({ count }) => {
      if (count === 2) server.put('/a', randomBytes(5 * MEBIBYTE));
      return count === 1 ? { kind: 'cut', afterBytes: 3 } : undefined;
    };
    expect(await failureOf(fetch('/a'))).toMatchObject({ code: 'TRANSFER_FAILED' });
    expect(await left()).toEqual([]);
  });

  test('that is gone meanwhile is no file that never was', async () => {
    const { server, fetch } = await httpPlace();
    server.put('/data.bin', randomBytes(MEBIBYTE));
    server.onRequest = ({ count }) => {
      if (count === 2) server.files.clear();
      return count === 1 ? { kind: 'cut', afterBytes: 100_000 } : undefined;
    };
    const error = await failureOf<Error>(fetch('/data.bin'));
    expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('removed') });
  });

  test('than the checksum says is refused', async () => {
    const { server, fetch, left } = await httpPlace();
    server.put('/a', 'content');
    const right = createHash('sha256').update('content').digest('base64');
    const wrong = createHash('sha256').update('CONTENT').digest('base64');
    server.manners = { ...server.manners, headers: { 'repr-digest': `sha-256=:${right}:` } };
    expect(String(await fetch('/a'))).toBe('content');
    server.manners = { ...server.manners, headers: { 'repr-digest': `sha-256=:${wrong}:` } };
    const error = await failureOf<Error>(fetch('/a'));
    expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('sha256') });
    expect(await left()).toEqual(['copy']);
  });
});

describe('an answer that is no file', () => {
  test.each([
    [404, 'NOT_FOUND'],
    [410, 'NOT_FOUND'],
    [401, 'ACCESS_DENIED'],
    [403, 'ACCESS_DENIED'],
    [405, 'INVALID_OPTIONS'],
    [418, 'INVALID_OPTIONS'],
    [202, 'SERVICE_FAILED'],
    [204, 'SERVICE_FAILED'],
  ])('status %d is %s, and asked for once', async (status, code) => {
    const { server, fetch, left } = await httpPlace();
    server.onRequest = () => ({ kind: 'status', status });
    const error = await failureOf<Error>(fetch('/some/where.txt'));
    expect(error).toMatchObject({ code, message: expect.stringContaining('/some/where.txt') });
    expect(server.requests.length).toBe(1);
    expect(await left()).toEqual([]);
  });

  test('is told by its type, where that is asked for', async () => {
    const place = await httpPlace();
    const { server, staging } = place;
    await staging.close();
    const { fetch, left } = await httpPlace({ sites: { [server.origin]: { expectType: ['text/csv', 'image/*'] } } });
    server.put('/a.csv', 'a,b');
    const served = (type: string) => {
      server.manners = { ...server.manners, headers: { 'content-type': type } };
    };
    served('Text/CSV; charset=utf-8');
    expect(String(await fetch(`${server.origin}/a.csv`))).toBe('a,b');
    served('image/png');
    await fetch(`${server.origin}/a.csv`);
    served('text/html');
    const error = await failureOf<Error>(fetch(`${server.origin}/a.csv`));
    expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('text/html') });
    expect(await left()).toEqual(['copy']);
  });

  test('nobody can tell whether a file without an end came whole', async () => {
    const { server, fetch, left } = await httpPlace();
    server.put('/a', 'content');
    server.manners = { ...server.manners, length: 'untold' };
    const error = await failureOf<Error>(fetch('/a'));
    expect(error).toMatchObject({ code: 'TRANSFER_FAILED', message: expect.stringContaining('acceptUnknownLength') });
    expect(await left()).toEqual([]);
    const willing = await httpPlace({ acceptUnknownLength: true });
    expect(String(await willing.fetch(`${server.origin}/a`))).toBe('content');
  });
});

test('an abort stops a transfer, with its sockets and its file', async () => {
  const { server, fetch, left } = await httpPlace();
  server.put('/data.bin', randomBytes(40 * MEBIBYTE));
  const stop = new AbortController();
  server.onRequest = ({ count }) => {
    if (count === 3) queueMicrotask(() => stop.abort(new Error('enough')));
    return { kind: 'silence', afterBytes: 100_000 };
  };
  await expect(fetch('/data.bin', { signal: stop.signal })).rejects.toThrow('enough');
  expect(await left()).toEqual([]);
  while ((await server.openSockets()) > 0) await sleep(5);
});

test('an address where nobody listens, and a name that nobody has, say so', async () => {
  const { server, fetch } = await httpPlace({ retry: { attempts: 1 } });
  const { origin } = server;
  await server.close();
  const refused = await failureOf<Error>(fetch(`${origin}/a`));
  expect(refused).toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringContaining('nobody listens') });
  const unknown = await failureOf<Error>(fetch('http://no-such-host.invalid/a'));
  expect(unknown).toMatchObject({ code: 'SERVICE_FAILED', message: expect.stringMatching(/name of the host/) });
});
