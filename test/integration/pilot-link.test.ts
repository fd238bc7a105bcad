import { afterEach, describe, expect, test } from 'vitest';
import type { SluiceError } from '../../src/errors.js';
import { openDealer } from '../../src/transport/dealer-end.js';
import { createKeyPair } from '../../src/transport/key-pair.js';
import { newLocalAddress } from '../../src/transport/local-address.js';
import { openPilotLink, type PilotLink, type PilotLinkOptions } from '../../src/transport/pilot-link.js';
import { openPilotRouter, type PilotRouter, type PilotRouterOptions } from '../../src/transport/pilot-router.js';
import { openRouter } from '../../src/transport/router-end.js';
import { encodeHeader } from '../../src/wire/pilot/link-header.js';
import { failureOf } from '../fixtures/kernel/failure-of.js';
import { closeAll, closing, Inbox, keysOfRun, proxyTo, type TextMessage, text } from './transport-parts.js';

afterEach(closeAll);

const TIMES = { heartbeatMs: 200, heartbeatThresholdMs: 2_000, maxMessageBytes: 1024 * 1024 };

interface Listening {
  readonly router: PilotRouter;
  readonly inbox: Inbox<TextMessage>;
  readonly met: Inbox<string>;
  readonly silent: Inbox<string>;
}

async function listen(options: Partial<PilotRouterOptions> = {}): Promise<Listening> {
  const [inbox, met, silent] = [new Inbox<TextMessage>(), new Inbox<string>(), new Inbox<string>()];
  const router = await openPilotRouter({
    ...TIMES,
    host: '127.0.0.1',
    ports: { from: 0, to: 0 },
    onMessage: (peer, [frame]) => inbox.push({ peer, text: String(frame) }),
    onPeer: met.push,
    onSilent: silent.push,
    ...options,
  });
  return { router: closing(router), inbox, met, silent };
}

interface Linked {
  readonly link: PilotLink;
  readonly inbox: Inbox<string>;
  readonly events: Inbox<string>;
  readonly lost: Inbox<SluiceError>;
}

async function link(port: number, options: Partial<PilotLinkOptions> = {}): Promise<Linked> {
  const [inbox, events, lost] = [new Inbox<string>(), new Inbox<string>(), new Inbox<SluiceError>()];
  const opened = await openPilotLink({
    ...TIMES,
    addresses: [`tcp://127.0.0.1:${port}`],
    connectTimeoutMs: 5_000,
    id: 'manager',
    onMessage: ([frame]) => inbox.push(String(frame)),
    onPeer: () => events.push('peer'),
    onLost: lost.push,
    ...options,
  });
  return { link: closing(opened), inbox, events, lost };
}

describe.each(['plain', 'curve'] as const)('links, %s', (kind) => {
  const keys = keysOfRun();
  const ofServer = kind === 'curve' ? { security: keys.ofServer } : {};
  const ofClient = kind === 'curve' ? { security: keys.ofClient } : {};

  test('both sides meet, and talk', async () => {
    const { router, inbox, met } = await listen(ofServer);
    const side = await link(router.port, ofClient);
    side.link.send(text('hello'));
    expect(await inbox.reach(1)).toEqual([{ peer: 'manager', text: 'hello' }]);
    router.send('manager', text('welcome'));
    expect(await side.inbox.reach(1)).toEqual(['welcome']);
    expect(met.items).toEqual(['manager']);
    expect(side.events.items).toEqual(['peer']);
  });

  test('on one machine they meet without a port, too', async () => {
    const local = newLocalAddress() as string;
    const { router, inbox } = await listen({ ...ofServer, local });
    const side = await link(0, { ...ofClient, addresses: [local] });
    side.link.send(text('hello'));
    expect(await inbox.reach(1)).toEqual([{ peer: 'manager', text: 'hello' }]);
    router.send('manager', text('welcome'));
    expect(await side.inbox.reach(1)).toEqual(['welcome']);
  });

  test('while the connection is cut again and again, nothing is lost, doubled or out of turn', async () => {
    const { router, inbox, met } = await listen(ofServer);
    const proxy = await proxyTo(router.port);
    const side = await link(proxy.port, ofClient);
    await side.events.reach(1);
    const rounds = 12;
    for (let round = 0; round < rounds; round++) {
      for (let index = 0; index < 100; index++) {
        side.link.send(text(`${round * 100 + index}`));
        router.send('manager', text(`${round * 100 + index}`));
      }
      if (round % 2 === 0) await inbox.reach(round * 100 + 20);
      proxy.cut();
    }
    const expected = Array.from({ length: rounds * 100 }, (_, index) => `${index}`);
    await Promise.all([inbox.reach(expected.length), side.inbox.reach(expected.length)]);
    expect(inbox.items.map((message) => message.text)).toEqual(expected);
    expect(side.inbox.items).toEqual(expected);
    expect(met.items).toEqual(['manager']);
  });

  test('another interchange in the place of the first is met anew', async () => {
    const first = await listen(ofServer);
    const side = await link(first.router.port, ofClient);
    await first.met.reach(1);
    await side.events.reach(1);
    await first.router.close();
    const second = await listen({ ...ofServer, ports: { from: first.router.port, to: first.router.port } });
    await side.events.reach(2);
    side.link.send(text('here I am'));
    expect(await second.inbox.reach(1)).toEqual([{ peer: 'manager', text: 'here I am' }]);
    second.router.send('manager', text('welcome'));
    expect(await side.inbox.reach(1)).toEqual(['welcome']);
  });

  test('closing waits until the last words have arrived', async () => {
    const { router, inbox } = await listen(ofServer);
    const side = await link(router.port, ofClient);
    for (let index = 0; index < 1_000; index++) side.link.send(text(`${index}`));
    await side.link.close();
    expect(inbox.items).toHaveLength(1_000);
    side.link.send(text('too late'));
    expect(side.lost.items).toEqual([]);
  });
});

test('an idle link lives by its heartbeats', async () => {
  const { router, silent } = await listen({ heartbeatThresholdMs: 600 });
  const side = await link(router.port, { heartbeatThresholdMs: 600 });
  await side.events.reach(1);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(silent.items).toEqual([]);
  expect(side.lost.items).toEqual([]);
}, 20_000);

test('an interchange that falls silent is lost after the threshold', async () => {
  const { router } = await listen();
  const side = await link(router.port, { heartbeatThresholdMs: 500 });
  await side.events.reach(1);
  await router.close();
  const [error] = await side.lost.reach(1);
  expect(error).toMatchObject({ code: 'UNREACHABLE', class: 'infrastructure' });
  expect(error?.message).toMatch(/^the interchange at tcp:\/\/127\.0\.0\.1:\d+ has been silent for \d+ ms/);
});

test('a peer that falls silent is forgotten after the threshold, and met anew when it speaks again', async () => {
  const { router, met, silent, inbox } = await listen({ heartbeatThresholdMs: 500 });
  const proxy = await proxyTo(router.port);
  const side = await link(proxy.port, { heartbeatThresholdMs: 60_000, heartbeatMs: 60_000 });
  await met.reach(1);
  expect(await silent.reach(1)).toEqual(['manager']);
  side.link.send(text('to one who has forgotten me'));
  await side.events.reach(2);
  side.link.send(text('again'));
  expect(await inbox.reach(1)).toEqual([{ peer: 'manager', text: 'again' }]);
});

test('what is larger than the peer takes is refused before it is sent', async () => {
  const { router } = await listen();
  const side = await link(router.port);
  expect(() => side.link.send([new Uint8Array(TIMES.maxMessageBytes + 1)])).toThrow(/a part of 1048577 bytes/);
});

test('of many addresses, the one that answers is taken', async () => {
  const { router, inbox } = await listen();
  const addresses = [
    'tcp://127.0.0.1:1',
    'tcp://nowhere.invalid:5',
    `tcp://localhost:${router.port}`,
    `tcp://127.0.0.1:${router.port}`,
  ];
  const side = await link(router.port, { addresses });
  side.link.send(text('hello'));
  await inbox.reach(1);
});

test('where nobody answers, the error names every address, and how long they were tried', async () => {
  const deaf = await proxyTo(1);
  const addresses = ['tcp://127.0.0.1:1', `tcp://127.0.0.1:${deaf.port}`, 'tcp://nowhere.invalid:5'];
  const startedMs = performance.now();
  const error = (await failureOf(link(0, { addresses, connectTimeoutMs: 700 }))) as SluiceError;
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  expect(error).toMatchObject({ code: 'UNREACHABLE' });
  expect(error.message).toMatch(/within 700 ms/);
  for (const address of addresses) expect(error.message).toContain(address);
  // A name server may take longer than that.
  expect(error.message).toMatch(/nowhere\.invalid:5: (host 'nowhere.invalid' is not known here|no answer)/);
});

test('a key that is not on the list is refused at once, though other addresses say nothing', async () => {
  const keys = keysOfRun();
  const { router } = await listen({ security: keys.ofServer });
  const security = { client: createKeyPair(), serverKey: keys.server.publicKey };
  const addresses = ['tcp://127.0.0.1:1', `tcp://127.0.0.1:${router.port}`];
  const startedMs = performance.now();
  const error = await failureOf(link(0, { addresses, security, connectTimeoutMs: 20_000 }));
  expect(error).toMatchObject({ code: 'ACCESS_DENIED', class: 'usage' });
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test('a server with another key is refused, where it is the only address', async () => {
  const { router } = await listen({ security: keysOfRun().ofServer });
  const error = await failureOf(link(router.port, { security: keysOfRun().ofClient, connectTimeoutMs: 20_000 }));
  expect(error).toMatchObject({ code: 'ACCESS_DENIED' });
  expect((error as Error).message).toContain('another key');
});

const OTHER_VERSION = Uint8Array.from(
  encodeHeader({ session: 1, sequence: 1, peer: 0, acknowledged: 0, repeat: true }),
).fill(99, 2, 3);

test('an interchange of another version is refused by name', async () => {
  const router = closing(
    await openRouter({
      host: '127.0.0.1',
      ports: { from: 0, to: 0 },
      maxMessageBytes: 1_000,
      onMessage: (peer) => router.send(peer, [OTHER_VERSION]),
    }),
  );
  const error = await failureOf(link(router.port));
  expect(error).toMatchObject({ code: 'VERSION_MISMATCH' });
  expect((error as Error).message).toContain('version 99');
});

test('a peer of another version, or of none, hears which this is, and harms nobody', async () => {
  const { router, inbox, met } = await listen();
  const heard = new Inbox<Uint8Array>();
  const stranger = closing(
    await openDealer({
      address: `tcp://127.0.0.1:${router.port}`,
      id: 'stranger',
      maxMessageBytes: 1_000,
      onMessage: ([first]) => heard.push(first as Uint8Array),
    }),
  );
  stranger.send([Buffer.from('garbage')]);
  stranger.send([new Uint8Array(0)]);
  stranger.send([OTHER_VERSION, Buffer.from('hello')]);
  const [answer] = await heard.reach(1);
  expect([...(answer ?? [])].slice(0, 3)).toEqual([0x53, 0x4c, 1]);
  const side = await link(router.port);
  side.link.send(text('hello'));
  expect(await inbox.reach(1)).toEqual([{ peer: 'manager', text: 'hello' }]);
  expect(met.items).toEqual(['manager']);
});
