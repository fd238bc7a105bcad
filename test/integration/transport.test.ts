import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { openRouter } from '../../src/transport/router-end.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { closeAll, closing, dealerOf, Inbox, keysOfRun, proxyTo, routerOf, text } from './transport-parts.js';

afterEach(closeAll);

describe.each(['plain', 'curve'] as const)('the transport, %s', (kind) => {
  const keys = keysOfRun();
  const ofServer = kind === 'curve' ? { security: keys.ofServer } : {};
  const ofClient = kind === 'curve' ? { security: keys.ofClient } : {};

  test('20,000 messages arrive in order, both ways', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const { dealer, inbox: answers } = await dealerOf(router.port, ofClient);
    for (let index = 0; index < 20_000; index++) dealer.send(text(`${index}`));
    const expected = Array.from({ length: 20_000 }, (_, index) => `${index}`);
    expect((await inbox.reach(20_000)).map((message) => message.text)).toEqual(expected);
    for (let index = 0; index < 20_000; index++) router.send('peer', text(`${index}`));
    expect(await answers.reach(20_000)).toEqual(expected);
  });

  test('large frames arrive whole, beside small ones', async () => {
    const frames = new Inbox<readonly Uint8Array[]>();
    const { router } = await routerOf({ ...ofServer, onMessage: (_peer, each) => frames.push(each) });
    const { dealer } = await dealerOf(router.port, ofClient);
    const large = Buffer.alloc(5 * 1024 * 1024, 'abcdefg');
    dealer.send([Buffer.from('head'), large, Buffer.alloc(0), large.subarray(0, 200)]);
    const [message] = await frames.reach(1);
    expect(message?.map((frame) => frame.byteLength)).toEqual([4, large.byteLength, 0, 200]);
    expect(large.equals(message?.[1] as Uint8Array)).toBe(true);
  });

  test('a peer that is gone, or never was, loses what it is sent, and harms nobody', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const { dealer } = await dealerOf(router.port, { ...ofClient, id: 'short-lived' });
    dealer.send(text('here'));
    await inbox.reach(1);
    await dealer.close();
    const { dealer: other, inbox: answers } = await dealerOf(router.port, { ...ofClient, id: 'other' });
    other.send(text('here too'));
    await inbox.reach(2);
    for (const peer of ['short-lived', 'never-was', 'other']) router.send(peer, text('hello'));
    expect(await answers.reach(1)).toEqual(['hello']);
  });

  test('a connection that is cut comes back by itself', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const proxy = await proxyTo(router.port);
    const { dealer, events, inbox: answers } = await dealerOf(proxy.port, ofClient);
    dealer.send(text('before'));
    await inbox.reach(1);
    await events.reach(1);
    proxy.cut();
    await events.reach(3);
    expect(events.items).toEqual(['connected', 'disconnected', 'connected']);
    dealer.send(text('after'));
    await inbox.reach(2);
    router.send('peer', text('answer'));
    expect(await answers.reach(1)).toEqual(['answer']);
  });

  test('of two peers with one id, the later has it', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const first = await dealerOf(router.port, ofClient);
    first.dealer.send(text('first'));
    await inbox.reach(1);
    const second = await dealerOf(router.port, ofClient);
    second.dealer.send(text('second'));
    await inbox.reach(2);
    // Else it would come back and take the id in turn; on a busy machine it may have done so already, once.
    await first.dealer.close();
    const asking = setInterval(() => router.send('peer', text('whose')), 20);
    await second.inbox.reach(1).finally(() => clearInterval(asking));
    expect(first.inbox.items).toEqual([]);
  });

  test('a peer that does not read holds up nobody', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const stuck = await proxyThatStops(router.port);
    const { dealer } = await dealerOf(stuck.port, { ...ofClient, id: 'stuck' });
    dealer.send(text('here'));
    await inbox.reach(1);
    stuck.stop();
    const { dealer: other, inbox: answers } = await dealerOf(router.port, { ...ofClient, id: 'other' });
    other.send(text('here too'));
    await inbox.reach(2);
    const megabyte = Buffer.alloc(1024 * 1024);
    for (let index = 0; index < 40; index++) router.send('stuck', [megabyte]);
    router.send('other', text('hello'));
    expect(await answers.reach(1)).toEqual(['hello']);
  });

  test('a port in use is named, and the next of a range is taken', async () => {
    const { router } = await routerOf(ofServer);
    const { port } = router;
    const options = { host: '127.0.0.1', maxMessageBytes: 1, onMessage: () => {}, ...ofServer };
    const error = await failureOf(openRouter({ ...options, ports: { from: port, to: port } }));
    expect(error).toMatchObject({ code: 'ADDRESS_IN_USE', class: 'usage' });
    expect((error as Error).message).toContain(`127.0.0.1: port ${port} is in use`);
    const { router: next } = await routerOf({ ...ofServer, ports: { from: port, to: port + 20 } });
    expect(next.port).toBeGreaterThan(port);
  });

  test('a port is free again once its router is closed, and what was sent before still goes out', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const { dealer, inbox: answers } = await dealerOf(router.port, ofClient);
    dealer.send(text('here'));
    await inbox.reach(1);
    router.send('peer', text('last words'));
    await router.close();
    await routerOf({ ...ofServer, ports: { from: router.port, to: router.port } });
    expect(await answers.reach(1)).toEqual(['last words']);
  });

  test('a frame larger than allowed costs its sender the connection, and nobody else', async () => {
    const { router, inbox } = await routerOf({ ...ofServer, maxMessageBytes: 1024 * 1024 });
    const large = await dealerOf(router.port, { ...ofClient, id: 'large' });
    large.dealer.send([Buffer.alloc(2 * 1024 * 1024)]);
    await large.events.until((events) => events.includes('disconnected'), 'the end of the connection');
    const small = await dealerOf(router.port, { ...ofClient, id: 'small' });
    small.dealer.send(text('hello'));
    expect(await inbox.reach(1)).toEqual([{ peer: 'small', text: 'hello' }]);
  });

  test('garbage on the port is survived: random bytes, half frames, frames of 100 MB', async () => {
    const { router, inbox } = await routerOf(ofServer);
    const { dealer, inbox: answers } = await dealerOf(router.port, ofClient);
    dealer.send(text('here'));
    await inbox.reach(1);
    const before = process.memoryUsage.rss();
    const greeting = greetingOf(kind === 'curve' ? 'CURVE' : 'NULL');
    const garbage = [
      Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7919) % 251)),
      Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n'),
      greeting.subarray(0, 30),
      greeting,
      // A command frame that says it has 100 MB, and 100 MB of it (ZMTP 3.1, https://rfc.zeromq.org/spec/37/).
      Buffer.concat([greeting, Buffer.from([0x06, 0, 0, 0, 0, 0x06, 0x40, 0, 0]), Buffer.alloc(100 * 1024 * 1024)]),
      // One that says it has 2^63 - 1 bytes.
      Buffer.concat([
        greeting,
        Buffer.from([0x06, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Buffer.alloc(1024),
      ]),
      // A message before the handshake.
      Buffer.concat([greeting, Buffer.from([0x00, 5]), Buffer.from('hello')]),
    ];
    const ended = garbage.flatMap((bytes) => Array.from({ length: 4 }, () => throwAt(router.port, bytes)));
    for (let index = 0; index < 100; index++) {
      dealer.send(text('ask'));
      await inbox.reach(index + 2);
      router.send('peer', text('answer'));
      await answers.reach(index + 1);
    }
    await Promise.all(ended);
    expect(inbox.items.every(({ peer }) => peer === 'peer')).toBe(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(250 * 1024 * 1024);
    dealer.send(text('still here'));
    await inbox.until((items) => items.at(-1)?.text === 'still here', 'a message after all that');
  });
});

/** Resolves when the connection has ended, or with what was sent after a second. */
function throwAt(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), 1_000);
    socket.resume().on('error', () => {});
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What a peer says first: signature, version 3.1, mechanism, no server, filler (https://rfc.zeromq.org/spec/37/). */
function greetingOf(mechanism: string): Buffer {
  const greeting = Buffer.alloc(64);
  greeting[0] = 0xff;
  greeting[9] = 0x7f;
  greeting[10] = 3;
  greeting[11] = 1;
  greeting.write(mechanism, 12, 'ascii');
  return greeting;
}

/** A proxy that can stop reading what comes from the far side. */
async function proxyThatStops(target: number): Promise<{ readonly port: number; stop(): void }> {
  const fars = new Set<ReturnType<typeof connect>>();
  const nears = new Set<ReturnType<typeof connect>>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    fars.add(far.on('error', () => {}));
    nears.add(near.on('error', () => {}));
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing({
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of [...fars, ...nears]) socket.destroy();
        server.close(() => resolve());
      }),
  });
  return {
    port: (server.address() as { port: number }).port,
    stop: () => {
      for (const far of fars) far.unpipe().pause();
    },
  };
}
