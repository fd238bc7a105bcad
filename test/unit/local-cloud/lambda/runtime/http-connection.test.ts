import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  createHttpConnection,
  type HttpConnection,
} from '../../../../../src/local-cloud/lambda/runtime/http-connection.js';

/** A connection to a server that answers so, and the sockets the server got. */
async function connectionTo(answer: RequestListener): Promise<{ connection: HttpConnection; sockets: Socket[] }> {
  const server = createServer(answer);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { connection: createHttpConnection(`127.0.0.1:${(server.address() as AddressInfo).port}`), sockets };
}

const echo: RequestListener = async (request, response) => {
  const chunks = await request.toArray();
  const body = Buffer.concat([Buffer.from(`${request.method} ${request.url} `), ...chunks]);
  response.writeHead(200, { 'content-length': body.length }).end(body);
};

describe('a connection', () => {
  test('answers requests sent at once in their order, over one socket', async () => {
    const { connection, sockets } = await connectionTo(echo);
    const answers = await Promise.all([
      connection.send('POST', '/first', 'grün'),
      connection.send('GET', '/second'),
      connection.send('POST', '/third', '3'),
    ]);
    expect(answers.map(({ body }) => body.toString())).toEqual(['POST /first grün', 'GET /second ', 'POST /third 3']);
    expect(sockets).toHaveLength(1);
  });

  test('carries bodies of many megabytes both ways', async () => {
    const { connection } = await connectionTo(echo);
    const body = 'ü'.repeat(8 * 2 ** 20);
    const answer = await connection.send('POST', '/', body);
    expect(answer.body.toString()).toBe(`POST / ${body}`);
  });

  test('is made again when the server has closed it', async () => {
    const { connection, sockets } = await connectionTo(echo);
    await connection.send('GET', '/1');
    const closed = once(sockets[0] as Socket, 'close');
    sockets[0]?.end();
    await closed;
    expect((await connection.send('GET', '/2')).body.toString()).toBe('GET /2 ');
    expect(sockets).toHaveLength(2);
  });

  test('rejects what has no answer yet when it breaks', async () => {
    const { connection, sockets } = await connectionTo(() => sockets[0]?.destroy());
    await expect(Promise.all([connection.send('GET', '/1'), connection.send('GET', '/2')])).rejects.toThrow();
  });

  test('rejects when nobody listens', async () => {
    const { connection } = await connectionTo(echo);
    await connection.send('GET', '/');
    const nowhere = createHttpConnection('127.0.0.1:1');
    await expect(nowhere.send('GET', '/')).rejects.toThrow(/ECONNREFUSED/);
  });
});
