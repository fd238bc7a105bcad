import { afterEach, describe, expect, test } from 'vitest';
import type { GatePlace } from '../../../src/object-store/retry-policy.js';
import { transferLimitOf } from '../../../src/object-store/transfer-limit.js';
import {
  type Answer,
  answering,
  failing,
  failingJson,
  hangingUp,
  scriptedGcsStore,
  scriptedStore,
  silent,
} from './scripted-server.js';

let fixture: Awaited<ReturnType<typeof scriptedStore>> | undefined;
afterEach(() => fixture?.close());

async function storeWith(script: readonly Answer[]) {
  fixture = await scriptedStore(script);
  return fixture;
}

/** Teaches the limit of a server that it takes one request at a time. */
function learnOne(endpoint: string): ReturnType<typeof transferLimitOf> {
  const limit = transferLimitOf(endpoint, 1);
  const gate = limit.gateFor(() => 'throttled');
  while (limit.current > 1) (gate.enter(undefined, 'first') as GatePlace).failed(new Error('busy'));
  return limit;
}

const MEBIBYTE = 1024 * 1024;
const large = answering({ etag: '"v1"', 'content-length': String(8 * MEBIBYTE) }, Buffer.alloc(8 * MEBIBYTE));
const small = answering({ etag: '"v2"', 'content-length': '5' }, 'hello');
const written = answering({ etag: '"v1"' });

test.each([
  ['a refusal', 8, failing(503, 'SlowDown')],
  ['a refusal by status alone', 8, failing(429, 'Whatever')],
  ['a broken connection', 12, hangingUp],
  ['a failure inside the service', 16, failing(500, 'InternalError')],
  ['a service that waited in vain for bytes', 12, failing(400, 'RequestTimeout')],
] as const)('sixteen requests that all met %s leave %i of sixteen', async (_, current, answer) => {
  const held: (() => void)[] = [];
  // Nobody is answered before all are there: a second try would be another round.
  const holding: Answer = (response, request) => {
    held.push(() => answer(response, request));
    if (held.length === 16) for (const release of held) release();
  };
  const { store, endpoint } = await storeWith([...Array<Answer>(16).fill(holding), written]);
  await Promise.all(Array.from({ length: 16 }, (__, index) => store.put(`key${index}`, new Uint8Array(1))));
  // Successes that nobody waits for teach nothing.
  expect(transferLimitOf(endpoint, 1).current).toBe(current);
});

test('at a service that takes one at a time, all get through, one after another', async () => {
  let [underWay, most] = [0, 0];
  const { store, endpoint } = await storeWith([
    (response, request) => {
      underWay += 1;
      most = Math.max(most, underWay);
      response.on('finish', () => {
        underWay -= 1;
      });
      if (underWay > 1) failing(503, 'SlowDown')(response, request);
      else setImmediate(() => written(response, request));
    },
  ]);
  learnOne(endpoint);
  await Promise.all(Array.from({ length: 3 }, (_, index) => store.put(`key${index}`, new Uint8Array(1))));
  // It grows by one with the first success, as somebody waits.
  expect(most).toBeLessThanOrEqual(2);
});

test('an answer that nobody reads keeps nobody waiting', async () => {
  const { store, endpoint } = await storeWith([large, small]);
  learnOne(endpoint);
  const { chunks } = await store.getStream('large');
  expect(Buffer.from(await store.get('small')).toString()).toBe('hello');
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  expect(bytes).toBe(8 * MEBIBYTE);
  expect(Buffer.from(await store.get('small')).toString()).toBe('hello');
});

test('an abort of a request that waits for its turn sends nothing', async () => {
  const { store, endpoint, seen } = await storeWith([silent]);
  learnOne(endpoint);
  const [stop, end] = [new AbortController(), new AbortController()];
  const first = store.put('first', new Uint8Array(1), { signal: end.signal });
  const second = store.put('second', new Uint8Array(1), { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  end.abort(new Error('ended'));
  await expect(first).rejects.toThrow('ended');
  expect(seen.filter(({ url }) => url.includes('second'))).toEqual([]);
});

test('closing ends those that wait as well', async () => {
  const { store, endpoint } = await storeWith([silent]);
  learnOne(endpoint);
  const running = Array.from({ length: 4 }, (_, index) => store.put(`key${index}`, new Uint8Array(1)));
  const settled = Promise.allSettled(running);
  await new Promise(setImmediate);
  await store.close();
  const states = (await settled).map(({ status }) => status);
  expect(states).toEqual(Array(4).fill('rejected'));
});

describe('a Retry-After', () => {
  const asking =
    (answer: Answer, seconds: string): Answer =>
    (response, request) => {
      response.setHeader('retry-after', seconds);
      answer(response, request);
    };

  test('of S3 for longer than there is time is the end of it, and of none is not', async () => {
    const { store, seen } = await storeWith([
      asking(failing(503, 'SlowDown'), '0'),
      asking(failing(503, 'SlowDown'), '60'),
    ]);
    await expect(store.put('key', new Uint8Array(1), {})).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    expect(seen.filter(({ method }) => method === 'PUT')).toHaveLength(2);
  });

  test('of Cloud Storage as well', async () => {
    fixture = await scriptedGcsStore([
      asking(failingJson(429, 'rateLimitExceeded'), '0'),
      asking(failingJson(429, 'rateLimitExceeded'), '60'),
    ]);
    await expect(fixture.store.get('key')).rejects.toMatchObject({ code: 'SERVICE_FAILED' });
    expect(fixture.seen).toHaveLength(2);
  });
});
