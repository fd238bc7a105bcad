import { afterEach, expect, test } from 'vitest';
import { Context, Router } from 'zeromq';
import { createKeyPair } from '../../src/transport/key-pair.js';
import { serverCurve } from '../../src/transport/socket-options.js';
import { encodeZ85 } from '../../src/transport/z85.js';
import { openZapHandler } from '../../src/transport/zap-handler.js';
import { closeAll, closing, dealerOf, keysOfRun, routerOf, text } from './transport-parts.js';

afterEach(closeAll);

const keys = keysOfRun();

test('whoever has the right server key and a key on the list is let in', async () => {
  const { router, inbox, refused } = await routerOf({ security: keys.ofServer });
  const { dealer } = await dealerOf(router.port, { security: keys.ofClient });
  dealer.send(text('hello'));
  expect(await inbox.reach(1)).toEqual([{ peer: 'peer', text: 'hello' }]);
  expect(refused.items).toEqual([]);
});

test('the right server key is not enough: a client whose key is not on the list is refused by the server', async () => {
  const { router, inbox, refused } = await routerOf({ security: keys.ofServer });
  const unknown = { client: createKeyPair(), serverKey: keys.server.publicKey };
  const { dealer, events } = await dealerOf(router.port, { security: unknown });
  dealer.send(text('hello'));
  const [event] = await events.reach(1, 'events');
  expect(event).toMatch(/^refused by server: tcp:\/\/127\.0\.0\.1:\d+ does not know the key of this peer$/);
  expect(await refused.reach(1)).toEqual(['127.0.0.1']);
  expect(inbox.items).toEqual([]);
});

test('the wrong server key: the client says so, and is never heard', async () => {
  const { router, inbox, refused } = await routerOf({ security: keys.ofServer });
  const wrong = { client: keys.client, serverKey: createKeyPair().publicKey };
  const { dealer, events } = await dealerOf(router.port, { security: wrong });
  dealer.send(text('hello'));
  const [event] = await events.reach(1, 'events');
  expect(event).toMatch(/^refused by stranger: .* has another key than the one expected, or is not encrypted$/);
  await refused.reach(1);
  expect(inbox.items).toEqual([]);
});

test('a client without encryption is refused where there is some, and the other way round', async () => {
  const curve = await routerOf({ security: keys.ofServer });
  const plainClient = await dealerOf(curve.router.port);
  plainClient.dealer.send(text('hello'));
  expect((await plainClient.events.reach(1))[0]).toMatch(
    /^refused by stranger: .* is encrypted, and this peer is not$/,
  );
  const plain = await routerOf();
  const curveClient = await dealerOf(plain.router.port, { security: keys.ofClient });
  curveClient.dealer.send(text('hello'));
  expect((await curveClient.events.reach(1))[0]).toMatch(/^refused by stranger: .* is not encrypted/);
  expect([...curve.inbox.items, ...plain.inbox.items]).toEqual([]);
});

test.each(['never there', 'gone'] as const)('when who answers for the list is %s, nobody is let in', async (state) => {
  const context = new Context();
  if (state === 'gone') {
    const handler = await openZapHandler(context, { allow: [keys.client.publicKey], onRefused: () => {} });
    handler.close();
  }
  const router = closing(new Router({ context, linger: 0, receiveTimeout: 500, ...serverCurve(keys.ofServer) }));
  await router.bind('tcp://127.0.0.1:0');
  const port = Number(router.lastEndpoint?.split(':').at(-1));
  const { dealer, events } = await dealerOf(port, { security: keys.ofClient });
  dealer.send(text('hello'));
  await expect(router.receive()).rejects.toMatchObject({ code: 'EAGAIN' });
  expect(events.items).not.toContain('connected');
});

test('keys read as Z85 are the bytes they stand for', () => {
  // The example of https://rfc.zeromq.org/spec/32/.
  expect(encodeZ85(Buffer.from([0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]))).toBe('HelloWorld');
});
