import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Exchange, startRuntimeServer } from '../../../../src/local-cloud/lambda/runtime-server.js';

/** A server whose requests wait for the test to answer them, and one connection to it. */
async function connected() {
  const exchanges: Exchange[] = [];
  const server = await startRuntimeServer((exchange) => exchanges.push(exchange));
  const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1');
  const packets: string[] = [];
  socket.on('data', (bytes) => packets.push(bytes.toString()));
  onTestFinished(async () => {
    socket.destroy();
    await server.close();
  });
  await once(socket, 'connect');
  const exchange = (target: string): Exchange => {
    const found = exchanges.find((candidate) => candidate.target === target);
    if (found === undefined) throw new Error(`no request came for ${target}`);
    return found;
  };
  const arrived = (count: number) => expect.poll(() => exchanges.length).toBe(count);
  return { server, socket, packets, exchange, arrived };
}

const get = (target: string) => `GET ${target} HTTP/1.1\r\n\r\n`;
const text = (body: string) => `HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe('A server of one runtime', () => {
  test('answers each request of one who waits for it', async () => {
    const { socket, packets, exchange, arrived } = await connected();
    socket.write(get('/1'));
    await arrived(1);
    exchange('/1').answer(200, { x: 'y' }, 'one');
    await expect.poll(() => packets).toEqual([text('one')]);
    socket.write(get('/2'));
    await arrived(2);
    exchange('/2').answer(200, { x: 'y' }, Buffer.from('two'));
    await expect.poll(() => packets).toEqual([text('one'), text('two')]);
  });

  test('answers requests sent at once together and in their order, in whichever they were answered', async () => {
    const { socket, packets, exchange, arrived } = await connected();
    socket.write(get('/1') + get('/2') + get('/3'));
    await arrived(3);
    for (const target of ['/3', '/1', '/2']) exchange(target).answer(200, { x: 'y' }, target);
    await expect.poll(() => packets).toEqual([text('/1') + text('/2') + text('/3')]);
  });

  test('closes a connection that its client wants to use no more, after the answer', async () => {
    const { socket, packets, exchange, arrived } = await connected();
    socket.write('GET /1 HTTP/1.1\r\nconnection: close\r\n\r\n');
    await arrived(1);
    const ended = once(socket, 'end');
    exchange('/1').answer(200, { x: 'y' }, 'one');
    await ended;
    expect(packets).toEqual([text('one')]);
  });

  test('lets a client go on that asks first, and cuts off what it does not understand', async () => {
    const { socket, packets, exchange, arrived } = await connected();
    socket.write('POST /1 HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n');
    await expect.poll(() => packets).toEqual(['HTTP/1.1 100 Continue\r\n\r\n']);
    socket.write('ab');
    await arrived(1);
    expect(exchange('/1').body.toString()).toBe('ab');
    exchange('/1').answer(200, { x: 'y' }, '');
    const closed = once(socket, 'close');
    socket.write('nonsense\r\n\r\n');
    await closed;
  });
});
