import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Answer, AnswerSignals, HttpRequest } from '../../../src/http/answer.js';
import { HttpPool } from '../../../src/http/http-pool.js';

type Sending = (request: Omit<HttpRequest, 'origin'>, signals: AnswerSignals) => Promise<Answer>;

/** Sends to a server that takes bodies in at a given pace. */
function slowServer(bytesPerTick: number, tickMs: number, idleMs: number): Promise<Sending> {
  const takeIn = async (request: IncomingMessage): Promise<number> => {
    let received = 0;
    let due = bytesPerTick;
    for await (const chunk of request) {
      received += (chunk as Buffer).length;
      while (received > due) {
        await sleep(tickMs);
        due += bytesPerTick;
      }
    }
    return received;
  };
  const server = createServer((request, response) => {
    takeIn(request).then(
      (received) => response.end(String(received)),
      () => response.destroy(),
    );
  });
  return poolOf(server, idleMs);
}

/** Sends by one connection, that takes so much silence for a broken one. */
async function poolOf(server: Server, idleMs = 1_000): Promise<Sending> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = new HttpPool({ connections: 1, idleMs });
  onTestFinished(() => {
    pool.destroy();
    server.closeAllConnections();
    server.close();
  });
  return (request, signals) => pool.send({ origin, ...request }, signals);
}

const { signal } = new AbortController();

test('a body may take longer than a connection may be silent, as long as it moves', { timeout: 60_000 }, async () => {
  const send = await slowServer(1024 * 1024, 200, 3_000);
  const body = new Uint8Array(24 * 1024 * 1024);
  const answer = await send({ method: 'PUT', path: '/', body }, { signal });
  expect(answer.status).toBe(200);
  expect(await answer.body.text()).toBe(String(body.length));
});

test('a body that does not move is a broken connection', async () => {
  const send = await slowServer(1024, 10_000, 1_000);
  const running = send({ method: 'PUT', path: '/', body: new Uint8Array(24 * 1024 * 1024) }, { signal });
  await expect(running).rejects.toMatchObject({ code: 'SILENCE' });
});

test('an answer that comes before all of the body is there counts, and the next request has a connection', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.method === 'PUT' ? 429 : 200).end('said');
  });
  const send = await poolOf(server);
  for (let round = 0; round < 3; round += 1) {
    const body = new Uint8Array(8 * 1024 * 1024);
    const refused = await send({ method: 'PUT', path: '/', body }, { signal });
    expect([refused.status, await refused.body.text()]).toEqual([429, 'said']);
    expect((await send({ method: 'GET', path: '/' }, { signal })).status).toBe(200);
  }
});

test('an abort ends a body on its way', async () => {
  const send = await slowServer(1024, 10_000, 1_000);
  const abort = new AbortController();
  const body = new Uint8Array(24 * 1024 * 1024);
  const running = send({ method: 'PUT', path: '/', body }, { signal: abort.signal });
  setTimeout(() => abort.abort(new Error('enough')), 100);
  await expect(running).rejects.toThrow('enough');
});

test('a watcher is told when the reader is behind, when it goes on, and when all has come', async () => {
  const size = 8 * 1024 * 1024;
  const send = await poolOf(createServer((_, response) => response.end(Buffer.alloc(size, 'x'))));
  const { body } = await send({ method: 'GET', path: '/' }, { signal });
  const told: string[] = [];
  const paused = new Promise<void>((resolve) => {
    body.watch({
      onPause: () => {
        told.push('pause');
        resolve();
      },
      onResume: () => told.push('resume'),
      onEnd: () => told.push('end'),
      onFail: () => told.push('fail'),
    });
  });
  await paused;
  expect((await body.bytes()).length).toBe(size);
  expect(told.slice(0, 2)).toEqual(['pause', 'resume']);
  expect(told.filter((one) => one === 'end')).toHaveLength(1);
  expect(told).not.toContain('fail');
  const late: string[] = [];
  const silent = { onPause: () => undefined, onResume: () => undefined, onFail: () => undefined };
  body.watch({ ...silent, onEnd: () => late.push('end') });
  expect(late).toEqual(['end']);
});

test('a watcher is told once of a body that is given up', async () => {
  const send = await poolOf(createServer((_, response) => response.end(Buffer.alloc(8 * 1024 * 1024))));
  const { body } = await send({ method: 'GET', path: '/' }, { signal });
  const failures: unknown[] = [];
  const watcher = { onPause: () => undefined, onResume: () => undefined, onEnd: () => undefined };
  body.watch({ ...watcher, onFail: (error) => failures.push(error) });
  for await (const chunk of body) if (chunk.length > 0) break;
  body.destroy();
  expect(failures).toHaveLength(1);
});
