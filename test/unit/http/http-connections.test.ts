import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HttpPool, type HttpPoolOptions } from '../../../src/http/http-pool.js';
import { createTlsFiles } from '../../fixtures/network/tls-files.js';

const never = (): AbortSignal => new AbortController().signal;

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that says a text on a connection once a request has come, and its sockets. */
async function scripted(
  onRequest: (socket: Socket, count: number) => void,
): Promise<{ origin: string; count(): number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    const number = count;
    socket.on('error', () => undefined);
    socket.on('data', () => onRequest(socket, number));
  });
  return { origin: `http://127.0.0.1:${await listening(server)}`, count: () => count };
}

function poolWith(options: Partial<HttpPoolOptions> = {}): HttpPool {
  const pool = new HttpPool({ connections: 4, idleMs: 5_000, ...options });
  onTestFinished(() => pool.destroy());
  return pool;
}

const get = (pool: HttpPool, origin: string, path = '/') =>
  pool.send({ origin, method: 'GET', path }, { signal: never() });

const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('connections', () => {
  test('carry one request after the other', async () => {
    const server = await scripted((socket) => socket.write(ok('said')));
    const pool = poolWith();
    for (let round = 0; round < 5; round++) expect(await (await get(pool, server.origin)).body.text()).toBe('said');
    expect(server.count()).toBe(1);
  });

  test('are no more than allowed, and who waits gets its turn', async () => {
    const server = await scripted((socket) => setTimeout(() => socket.write(ok('said')), 5));
    const pool = poolWith({ connections: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(pool, server.origin)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(server.count()).toBe(3);
  });

  test('are one server’s each', async () => {
    const [one, other] = [
      await scripted((socket) => socket.write(ok('one'))),
      await scripted((socket) => socket.write(ok('other'))),
    ];
    const pool = poolWith({ connections: 1 });
    const answers = await Promise.all([one, other, one].map(({ origin }) => get(pool, origin)));
    expect(await Promise.all(answers.map(({ body }) => body.text()))).toEqual(['one', 'other', 'one']);
  });

  test('end where the answer says so, and where it has no other end', async () => {
    const answers = [
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1',
      'HTTP/1.1 200 OK\r\n\r\n2',
      ok('3'),
    ];
    const server = await scripted((socket, count) => {
      socket.write(answers[count - 1] as string);
      if (count === 2) socket.end();
    });
    const pool = poolWith({ connections: 1 });
    const texts: string[] = [];
    for (const _ of answers) texts.push(await (await get(pool, server.origin)).body.text());
    expect([texts, server.count()]).toEqual([['1', '2', '3'], 3]);
  });

  test('that the server has closed are not used', async () => {
    const server = await scripted((socket) => socket.end(ok('said')));
    const pool = poolWith({ connections: 1 });
    for (let round = 1; round <= 3; round++) {
      expect((await get(pool, server.origin)).status).toBe(200);
      await sleep(20);
    }
    expect(server.count()).toBe(3);
  });

  test('that nobody has used for long are closed', async () => {
    let closed: Promise<unknown> | undefined;
    const server = await scripted((socket) => {
      closed = once(socket, 'close');
      socket.write(ok('said'));
    });
    await get(poolWith({ keepAliveMs: 20 }), server.origin);
    await closed;
  });

  test('that wait for a request do not keep a process', async () => {
    const server = await scripted((socket) => socket.write(ok('said')));
    expect(await inProcess(`${server.origin}/`)).toEqual(['200 4']);
  });

  test('on which more comes than belongs to an answer are not used again', async () => {
    const server = await scripted((socket, count) =>
      socket.write(count === 1 ? `${ok('said')}HTTP/1.1 500 ` : ok('right')),
    );
    const pool = poolWith({ connections: 1 });
    await expect((await get(pool, server.origin)).body.text()).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    expect(await (await get(pool, server.origin)).body.text()).toBe('right');
  });
});

describe('what breaks', () => {
  test.each([
    ['a server that ends the connection', (socket: Socket) => socket.end(), 'CONNECTION_LOST'],
    [
      'a connection that is cut in a head',
      (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nConte'),
      'CONNECTION_LOST',
    ],
    ['a connection that is reset', (socket: Socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['a server of something else', (socket: Socket) => socket.write('-ERR unknown command\r\n\r\n'), 'BAD_ANSWER'],
    ['a server that says nothing', () => undefined, 'SILENCE'],
    ['a server that stops in a head', (socket: Socket) => socket.write('HTTP/1.1 200'), 'SILENCE'],
  ])('%s: %s', async (_, onRequest, code) => {
    const server = await scripted(onRequest);
    await expect(get(poolWith({ idleMs: 100 }), server.origin)).rejects.toMatchObject({ code });
  });

  test.each([
    ['with a length', `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome`],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n'],
  ])('what came of a body %s is there before its failure', async (_, said) => {
    const server = await scripted((socket) => socket.end(said));
    const { body } = await get(poolWith(), server.origin);
    let came = '';
    const read = async () => {
      for await (const chunk of body) came += Buffer.from(chunk).toString();
    };
    await expect(read()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(came).toBe('some');
  });

  test('a body that stops is silence, one whose reader is behind is none', async () => {
    const size = 8 * 1024 * 1024;
    const server = await scripted((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size + 1}\r\n\r\n`);
      socket.write(Buffer.alloc(size));
    });
    const { body } = await get(poolWith({ idleMs: 150 }), server.origin);
    let came = 0;
    const read = async () => {
      for await (const chunk of body) {
        came += chunk.length;
        if (came <= 2 * 1024 * 1024) await sleep(400);
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'SILENCE' });
    expect(came).toBe(size);
  });

  test('a server that is not there', async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    await expect(get(poolWith(), `http://127.0.0.1:${port}`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    // Of all the addresses that a name has, one says why.
    await expect(get(poolWith(), `http://localhost:${port}`)).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
  });

  test('a server that takes a connection and does not shake hands', async () => {
    const { origin } = await scripted(() => undefined);
    const sending = get(poolWith({ connectMs: 100 }), origin.replace('http:', 'https:'));
    await expect(sending).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
  });

  test('a request that cannot be written', async () => {
    const server = await scripted((socket) => socket.write(ok('said')));
    const pool = poolWith({ connections: 1 });
    await expect(get(pool, server.origin, '/a b')).rejects.toThrow(/path/);
    expect((await get(pool, server.origin)).status).toBe(200);
  });
});

describe('an abort', () => {
  test('before anything is sent', async () => {
    const server = await scripted((socket) => socket.write(ok('said')));
    const sending = poolWith().send(
      { origin: server.origin, method: 'GET', path: '/' },
      { signal: AbortSignal.abort('no') },
    );
    await expect(sending).rejects.toBe('no');
    expect(server.count()).toBe(0);
  });

  test('while it waits for a connection', async () => {
    const server = await scripted((socket) => setTimeout(() => socket.write(ok('said')), 50));
    const pool = poolWith({ connections: 1 });
    const first = get(pool, server.origin);
    const stop = new AbortController();
    const second = pool.send({ origin: server.origin, method: 'GET', path: '/' }, { signal: stop.signal });
    const third = get(pool, server.origin);
    stop.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    expect([(await first).status, (await third).status, server.count()]).toEqual([200, 200, 1]);
  });

  test('of what lasts ends a body on its way, and its connection', async () => {
    let closed: Promise<unknown> | undefined;
    const server = await scripted((socket) => {
      closed = once(socket, 'close');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 30}\r\n\r\nsome`);
    });
    const lasting = new AbortController();
    const request = { origin: server.origin, method: 'GET', path: '/' } as const;
    const { body } = await poolWith().send(request, { signal: never(), lasting: lasting.signal });
    lasting.abort(new Error('enough'));
    await expect(body.text()).rejects.toThrow('enough');
    await closed;
  });

  test('after all has come is none', async () => {
    const server = await scripted((socket) => socket.write(ok('said')));
    const pool = poolWith();
    const lasting = new AbortController();
    const request = { origin: server.origin, method: 'GET', path: '/' } as const;
    const { body } = await pool.send(request, { signal: never(), lasting: lasting.signal });
    lasting.abort();
    expect(await body.text()).toBe('said');
    await get(pool, server.origin);
    expect(server.count()).toBe(1);
  });
});

test('a pool that is destroyed breaks off what is under way and what waits, and sends nothing more', async () => {
  const server = await scripted(() => undefined);
  const pool = poolWith({ connections: 1 });
  const sending = [get(pool, server.origin), get(pool, server.origin)];
  pool.destroy();
  const ends = await Promise.allSettled([...sending, get(pool, server.origin)]);
  expect(ends.map((end) => end.status === 'rejected' && String(end.reason))).toEqual(
    Array(3).fill('Error: the connections are closed'),
  );
});

describe('against the servers of Node', () => {
  const echo: RequestListener = (request, response) => {
    const isChunked = request.url === '/chunked';
    if (!isChunked) response.setHeader('content-length', request.headers['content-length'] ?? 0);
    request.pipe(response);
  };

  test.each([0, 1, 65_536, 1_048_576, 1_048_577, 5_000_003])('%i bytes there and back', async (size) => {
    const origin = `http://127.0.0.1:${await listening(createHttpServer(echo))}`;
    const pool = poolWith();
    const body = Buffer.alloc(size, 'the quick brown fox ');
    for (const path of ['/', '/chunked', '/']) {
      const answer = await pool.send({ origin, method: 'PUT', path, body }, { signal: never() });
      expect(body.equals(await answer.body.bytes())).toBe(true);
    }
  });

  test('over TLS, with handshakes that later ones shorten, and a certificate that counts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await createTlsFiles(folder, 'DNS:localhost');
    const read = (name: string) => readFile(join(folder, name));
    const server = createHttpsServer(
      { key: await read('server.key'), cert: await read('server.pem') },
      (_, response) => {
        response.setHeader('connection', 'close').end(Buffer.alloc(3_000_000, 'x'));
      },
    );
    const reused: boolean[] = [];
    server.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()));
    const url = `https://localhost:${await listening(server)}/`;
    const trusting = { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') };
    expect(await inProcess(url, { count: 3, env: trusting })).toEqual(Array(3).fill('200 3000000'));
    expect(reused).toEqual([false, true, true]);
    await expect(inProcess(url)).rejects.toThrow(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/);
    await expect(inProcess(url.replace('localhost', '127.0.0.1'), { env: trusting })).rejects.toThrow(
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    );
  });
});

/** Status and length of each answer, one after the other, of a process that does nothing to end itself. */
async function inProcess(
  url: string,
  { count = 1, env = {} }: { readonly count?: number; readonly env?: Record<string, string> } = {},
): Promise<readonly string[]> {
  const { origin, pathname } = new URL(url);
  const script = `
    import { HttpPool } from ${JSON.stringify(new URL('../../../dist/http/http-pool.js', import.meta.url).href)};
    const pool = new HttpPool({ connections: 1, idleMs: 5000, keepAliveMs: 60_000 });
    for (let round = 0; round < ${count}; round++) {
      const request = { origin: ${JSON.stringify(origin)}, method: 'GET', path: ${JSON.stringify(pathname)} };
      const { status, body } = await pool.send(request, { signal: new AbortController().signal });
      console.log(status, (await body.bytes()).length);
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
    timeout: 20_000,
  });
  return stdout.trim().split('\n');
}
